"""Access tokens: JSON Web Tokens (RFC 7519, RFC 9068) signed with a key of the deployment.

Everything that knows the algorithm stands in ``TokenSigner``, so that asymmetric keys can
take its place without a change elsewhere.
"""

import hashlib
import hmac
import uuid
from dataclasses import dataclass
from datetime import datetime

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from gateway.errors import GatewayError

_ALGORITHM = "HS256"
ISSUER = "consortium-fhir-gateway"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says: which client of which member, what it may do, until when (UTC seconds)."""

    client: str
    member: str
    scope: str
    expires: int
    token_id: str


class TokenSigner:
    """Issues and reads access tokens."""

    def __init__(self, secret: bytes, *, lifetime_s: int = 3600) -> None:
        derived = hmac.digest(secret, b"gateway/access-token/1", hashlib.sha256)
        self._key = OctKey.import_key(derived)
        self.lifetime_s = lifetime_s

    def issue(self, client: str, member: str, scope: str, now_utc: datetime) -> str:
        """Sign a token that expires after the lifetime."""
        issued = int(now_utc.timestamp())
        claims = {
            "iss": ISSUER,
            "sub": client,
            "client_id": client,
            "member": member,
            "scope": scope,
            "iat": issued,
            "exp": issued + self.lifetime_s,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode({"alg": _ALGORITHM, "typ": "at+jwt"}, claims, self._key, [_ALGORITHM])

    def read(self, token: str, now_utc: datetime) -> Grant:
        """Verify a token; raise GW-8002 when it is forged, damaged or expired."""
        try:
            decoded = jwt.decode(token, self._key, [_ALGORITHM])
            jwt.JWTClaimsRegistry(
                now=int(now_utc.timestamp()),
                leeway=0,
                iss={"essential": True, "value": ISSUER},
                exp={"essential": True},
            ).validate(decoded.claims)
            claims = decoded.claims
            return Grant(
                claims["client_id"],
                claims["member"],
                claims["scope"],
                int(claims["exp"]),
                claims["jti"],
            )
        except (JoseError, ValueError, KeyError, TypeError) as err:
            raise GatewayError("GW-8002") from err
