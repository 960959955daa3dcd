"""Resource ids from business keys, and person ids for access.

Both are HMAC-SHA256 with the deployment's secret, written as a UUID: the same key gives the same
id in every replay, and nobody without the secret can enumerate national ID numbers.
"""

import hashlib
import hmac

from gateway.records import BusinessKey


def business_id(secret: bytes, member: str, key: BusinessKey) -> str:
    """Name a resource by its business key; a shared key gives every member the same id."""
    scope = "" if key.is_shared else member
    return _uuid(secret, "resource", scope, key.type, key.system, key.value)


def person_id(secret: bytes, system: str, value: str) -> str:
    """Name a person across members by one identifier."""
    return _uuid(secret, "person", system, value)


def _uuid(secret: bytes, *parts: str) -> str:
    # Each part is preceded by its length, so that no two lists of parts read alike.
    encoded = [part.encode() for part in parts]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
    digits = bytearray(hmac.digest(secret, message, hashlib.sha256)[:16])
    digits[6] = digits[6] & 0x0F | 0x80  # Version 8 of RFC 9562: made by a rule of our own.
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
