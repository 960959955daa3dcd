"""Client secrets: made here, shown once, kept only as an Argon2id hash (RFC 9106)."""

import secrets
from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()


def _nobody() -> str:
    """Make a hash of nothing anybody knows; random bytes, since hashing would delay every start."""
    salt, made = (
        b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (_HASHER.salt_len, _HASHER.hash_len)
    )
    costs = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${made}"


# Verified for clients that do not exist, so that the time of a refusal names no client.
_NOBODY = _nobody()


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
