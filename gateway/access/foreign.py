"""Access tokens of another authorization server (an OpenID provider): RFC 9068.

The provider says which client asks and for which scopes. What the client may do at most, and for
which member, stays registered here.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from joserfc import jws
from joserfc.errors import JoseError

from gateway.access.keys import Fetch, KeySets
from gateway.access.scopes import parse_scopes
from gateway.access.tokens import Grant
from gateway.errors import GatewayError

ALGORITHMS = ("RS256", "RS384", "ES256", "ES384")
_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Provider:
    """Who is trusted: its name in tokens, where its keys lie, and our own name in them."""

    issuer: str
    keys: str
    audience: str


class ForeignTokens:
    """Reads the access tokens of one provider."""

    def __init__(
        self, provider: Provider, fetch: Fetch | None, clock: Callable[[], datetime]
    ) -> None:
        self._provider = provider
        self._keys = KeySets(fetch, clock, ALGORITHMS)

    def read(self, token: str, now: datetime) -> Grant | None:
        """Verify a token, the member left open; None for one that is not signed as theirs are.

        Raises GW-8002 when it is forged, damaged, expired, from somebody or for somebody else.
        """
        if len(token) > _LONGEST or not token.isascii():
            raise GatewayError("GW-8002")
        try:
            header = jws.extract_compact(token.encode()).headers()
            alg, kid = header.get("alg"), header.get("kid")
            if alg not in ALGORITHMS:
                return None
            key = self._keys.key(self._provider.keys, kid) if isinstance(kid, str) else None
            if key is None or key.key_type != {"R": "RSA", "E": "EC"}[alg[0]]:
                raise GatewayError("GW-8002")
            signed = jws.deserialize_compact(token.encode(), key, [alg])
            return self._grant(json.loads(signed.payload), token, now)
        except (JoseError, ValueError, RecursionError, OverflowError) as err:
            raise GatewayError("GW-8002") from err

    def _grant(self, claims: object, token: str, now: datetime) -> Grant:
        if not isinstance(claims, dict):
            raise GatewayError("GW-8002")
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        client = claims.get("client_id", claims.get("azp"))
        is_ours = claims.get("iss") == self._provider.issuer and self._provider.audience in named
        begin, end = _number(claims.get("nbf", 0)), _number(claims.get("exp"))
        if not is_ours or not isinstance(client, str) or begin is None or end is None:
            raise GatewayError("GW-8002")
        if not begin <= now.timestamp() < end:
            raise GatewayError("GW-8002")
        expires = int(min(end, datetime(9999, 1, 1, tzinfo=UTC).timestamp()))
        digest = hashlib.sha256(token.encode()).hexdigest()
        return Grant(client, "", _understood(claims.get("scope")), expires, f"foreign-{digest}")


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(str(value)) if is_number else None


def _understood(scope: object) -> str:
    """Give the words that are scopes here; a provider has others of its own (``openid``)."""
    words: list[str] = []
    for word in scope.split() if isinstance(scope, str) else ():
        try:
            words += map(str, parse_scopes(word))
        except GatewayError:
            continue
    return " ".join(words)
