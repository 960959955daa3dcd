"""A client's signed statement of who it is (``private_key_jwt``): RFC 7523, SMART App Launch 2.

https://hl7.org/fhir/smart-app-launch/STU2/client-confidential-asymmetric.html
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from joserfc import jws
from joserfc.errors import JoseError

from gateway.access.keys import ALGORITHMS, Key
from gateway.errors import GatewayError

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = timedelta(minutes=5)
LEEWAY = timedelta(seconds=5)
"""How far the clocks of client and gateway may stand apart."""

_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a client states, its signature not yet checked."""

    text: bytes
    client: str
    alg: str
    kid: str
    jti: str
    expires: datetime
    jku: str | None = None

    def demand_signed(self, key: Key | None) -> None:
        """Raise GW-8016 unless the key made the signature."""
        kind = {"RS384": "RSA", "ES384": "EC"}[self.alg]
        if key is None or key.key_type != kind:
            raise GatewayError("GW-8016", claim="signature")
        try:
            jws.deserialize_compact(self.text, key, [self.alg])
        except (JoseError, ValueError) as err:
            raise GatewayError("GW-8016", claim="signature") from err


def read_assertion(text: str, audiences: Collection[str], now: datetime) -> Assertion:
    """Read a statement and check all of it that needs no key; raise GW-8016 with what is wrong."""
    if len(text) > _LONGEST or not text.isascii():
        raise GatewayError("GW-8016", claim="client_assertion")
    octets = text.encode()
    try:
        signed = jws.extract_compact(octets)
        header, claims = signed.headers(), json.loads(signed.payload)
    except (JoseError, ValueError, RecursionError) as err:
        raise GatewayError("GW-8016", claim="client_assertion") from err
    if not isinstance(claims, dict):
        raise GatewayError("GW-8016", claim="client_assertion")
    alg, kid, jku = header.get("alg"), header.get("kid"), header.get("jku")
    _demand("alg", alg in ALGORITHMS)
    _demand("kid", isinstance(kid, str))
    client, jti, audience = claims.get("sub"), claims.get("jti"), claims.get("aud")
    _demand("sub", isinstance(client, str) and 0 < len(client) <= 200)
    _demand("iss", claims.get("iss") == client)
    named = audience if isinstance(audience, list) else [audience]
    _demand("aud", any(one in audiences for one in named if isinstance(one, str)))
    _demand("jti", isinstance(jti, str) and 0 < len(jti) <= 500)
    expires = _moment(claims.get("exp"), "exp")
    _demand("exp", now < expires <= now + LIFETIME + LEEWAY)
    for name in ("nbf", "iat"):
        if name in claims:
            _demand(name, _moment(claims[name], name) <= now + LEEWAY)
    return Assertion(octets, str(client), str(alg), str(kid), str(jti), expires, jku)


def _demand(claim: str, is_right: bool) -> None:
    if not is_right:
        raise GatewayError("GW-8016", claim=claim)


def _moment(value: object, claim: str) -> datetime:
    """Read seconds since 1970 (RFC 7519 section 2)."""
    _demand(claim, isinstance(value, int | float) and not isinstance(value, bool))
    try:
        return datetime.fromtimestamp(float(str(value)), UTC)
    except (ValueError, OverflowError, OSError) as err:
        raise GatewayError("GW-8016", claim=claim) from err
