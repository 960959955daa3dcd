"""Resource ids from business keys, person ids for access, and ids of what has no key.

The first two are HMAC-SHA256 with the deployment's secret, written as a UUID: the same key gives
the same id in every replay, and nobody without the secret can enumerate national ID numbers.
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


def ordered_id(now_ms: int, chance: bytes) -> str:
    """Name a new resource that a client creates without saying how (RFC 9562, version 7).

    ``chance``: ten random bytes. Ids of one time stand together in every index, so that a database
    of any size writes them to few pages; they tell no more than ``meta.lastUpdated`` does.
    """
    digits = bytearray(now_ms.to_bytes(6, "big") + chance)
    digits[6] = digits[6] & 0x0F | 0x70
    return _text(digits)


def _uuid(secret: bytes, *parts: str) -> str:
    # Each part is preceded by its length, so that no two lists of parts read alike.
    encoded = [part.encode() for part in parts]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
    digits = bytearray(hmac.digest(secret, message, hashlib.sha256)[:16])
    digits[6] = digits[6] & 0x0F | 0x80  # Version 8 of RFC 9562: made by a rule of our own.
    return _text(digits)


def _text(digits: bytearray) -> str:
    digits[8] = digits[8] & 0x3F | 0x80  # The variant.
    text = digits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
