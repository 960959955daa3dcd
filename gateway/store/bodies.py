"""Write ``meta.versionId`` and ``meta.lastUpdated`` into bodies that were encoded beforehand.

The version is only known inside the write transaction; encoding there would keep every other
writer waiting. So the body is encoded with two marks and cut at them.
"""

import secrets
from datetime import UTC, datetime

from gateway.fhir import codec
from gateway.records import Resource

_MARK = f"mark-{secrets.token_hex(16)}"
_CUT = f'"{_MARK}"'.encode()
_FIRST = ("resourceType", "id")


def cut(resource: Resource) -> tuple[bytes, bytes, bytes]:
    """Encode a resource into what stands before, between and after the two values."""
    meta = {"versionId": _MARK, "lastUpdated": _MARK}
    for key, value in resource.get("meta", {}).items():
        meta.setdefault(key, value)
    marked: Resource = {key: resource[key] for key in _FIRST if key in resource}
    marked["meta"] = meta
    for key, value in resource.items():
        if key not in _FIRST and key != "meta":
            marked[key] = value
    before, between, after = codec.encode(marked).split(_CUT)
    return before, between, after


def join(parts: tuple[bytes, bytes, bytes], version_no: int, updated: bytes) -> bytes:
    """Give the body of one version; ``updated`` is an instant of FHIR."""
    return b'%s"%d"%s"%s"%s' % (parts[0], version_no, parts[1], updated, parts[2])


def instant_text(ms: int) -> bytes:
    """Write milliseconds since 1970 as a FHIR instant."""
    seconds, rest = divmod(ms, 1000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:03d}Z".encode()
