"""Request bodies within their limit, gzip included."""

import zlib

from flask import request

from gateway.edge import body_within
from gateway.errors import GatewayError

_MEMBERS = 16


def read_body(limit: int) -> bytes:
    """Read the body; raise GW-7008 (too large), GW-7021 (encoding), GW-7022 (damaged gzip).

    The limit counts octets after decompression, so a bomb ends where it passes the limit.
    """
    raw = body_within(limit)
    if raw is None:
        raise GatewayError("GW-7008", limit=limit)
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in {"gzip", "x-gzip"}:
        raw = _unzipped(raw, limit)
    elif encoding not in {"identity", ""}:
        raise GatewayError("GW-7021", given=encoding[:40])
    return raw


def _unzipped(raw: bytes, limit: int) -> bytes:
    """Decompress every member: several in a row are one body (RFC 1952 section 2.2).

    Of very many each costs a copy of the rest, so more than a few are not looked at.
    """
    plain = b""
    for _ in range(_MEMBERS):
        stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            plain += stream.decompress(raw, limit + 1 - len(plain))
        except zlib.error as err:
            raise GatewayError("GW-7022") from err
        if len(plain) > limit:
            raise GatewayError("GW-7008", limit=limit)
        if stream.eof and not stream.unused_data:
            return plain
        raw = stream.unused_data
    raise GatewayError("GW-7022")
