"""Client secrets: made here, shown once, kept only as an Argon2id hash (RFC 9106)."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()
# Verified for clients that do not exist, so that the time of a refusal names no client.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(32))


def new_secret() -> tuple[str, str]:
    """Make a secret; give it and the hash to keep."""
    secret = secrets.token_urlsafe(32)
    return secret, _HASHER.hash(secret)


def matches(secret: str, stored_hash: str | None) -> bool:
    """Say whether the secret belongs to the hash; takes as long when there is no hash."""
    try:
        return _HASHER.verify(stored_hash or _NOBODY, secret) and stored_hash is not None
    except (VerificationError, InvalidHashError):
        return False
