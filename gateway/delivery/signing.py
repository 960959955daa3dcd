"""Signatures of notices, by which a receiver knows who sent them and when.

The header reads ``t=<seconds since 1970>,v1=<hex>``; v1 is HMAC-SHA256 over ``<t>.<body>`` with the
endpoint's secret. A receiver refuses a time that is too far from its own clock.
"""

import hashlib
import hmac
from datetime import datetime

HEADER = "X-Gateway-Signature"


def endpoint_secret(deployment_secret: bytes, shard: int, member: str) -> bytes:
    """Give the secret that a member's endpoint checks signatures with (hexadecimal text)."""
    name = f"endpoint\x00{shard}\x00{member}".encode()
    return hmac.digest(deployment_secret, name, hashlib.sha256).hex().encode()


def sign(secret: bytes, body: bytes, now_utc: datetime) -> str:
    """Give the header's value for a body sent now."""
    seconds = int(now_utc.timestamp())
    return f"t={seconds},v1={_digest(secret, seconds, body)}"


def verify(
    secret: bytes, body: bytes, header: str, now_utc: datetime, tolerance_s: int = 300
) -> bool:
    """Say whether a header fits body and secret and is not older than the tolerance."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    if not parts.get("t", "").isdecimal():
        return False
    seconds = int(parts["t"])
    is_fresh = abs(now_utc.timestamp() - seconds) <= tolerance_s
    return is_fresh and hmac.compare_digest(parts.get("v1", ""), _digest(secret, seconds, body))


def _digest(secret: bytes, seconds: int, body: bytes) -> str:
    return hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
