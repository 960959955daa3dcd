"""A client's own keys, and the assertions that it signs with them."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key with the algorithm that it signs by."""

    key: RSAKey | ECKey
    alg: str

    @property
    def kid(self) -> str:
        """Name the key."""
        return str(self.key.kid)

    def public(self) -> dict[str, Any]:
        """Give what others may know of it."""
        return {**self.key.as_dict(private=False), "alg": self.alg, "use": "sig"}

    def assertion(self, client: str, audience: str, now: int, **other: Any) -> str:
        """Sign a statement of a client for an audience; ``other`` claims replace, None drops."""
        claims = {
            "iss": client,
            "sub": client,
            "aud": audience,
            "iat": now,
            "exp": now + 240,
            "jti": str(uuid.uuid4()),
            **other,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.alg, "kid": self.kid, "typ": "JWT"}
        return jwt.encode(header, kept, self.key, [self.alg])

    def form(self, client: str, audience: str, now: int, **other: Any) -> dict[str, str]:
        """Give the form that asks for a token with a fresh assertion."""
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": self.assertion(client, audience, now, **other),
        }


def rsa(kid: str, bits: int = 2048) -> KeyPair:
    """Make an RSA key."""
    return KeyPair(RSAKey.generate_key(bits, {"kid": kid}, auto_kid=False), "RS384")


def ec(kid: str, curve: str = "P-384") -> KeyPair:
    """Make a key on an elliptic curve."""
    return KeyPair(ECKey.generate_key(curve, {"kid": kid}, auto_kid=False), "ES384")


def key_set(*pairs: KeyPair) -> str:
    """Write the public keys as they are registered."""
    return json.dumps({"keys": [one.public() for one in pairs]})
