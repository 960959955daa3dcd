"""Request bodies within their limit, gzip included."""

import zlib

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from gateway.errors import GatewayError


def read_body(request: Request, limit: int) -> bytes:
    """Read the body; raise GW-7008 (too large), GW-7021 (encoding), GW-7022 (damaged gzip).

    The limit counts octets after decompression, so a bomb ends where it passes the limit.
    """
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge as err:
        raise GatewayError("GW-7008", limit=limit) from err
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "gzip":
        raw = _unzipped(raw, limit)
    elif encoding not in {"identity", ""}:
        raise GatewayError("GW-7021", given=encoding[:40])
    if len(raw) > limit:
        raise GatewayError("GW-7008", limit=limit)
    return raw


def _unzipped(raw: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = stream.decompress(raw, limit + 1)
    except zlib.error as err:
        raise GatewayError("GW-7022") from err
    if len(plain) > limit:
        raise GatewayError("GW-7008", limit=limit)
    if not stream.eof:
        raise GatewayError("GW-7022")
    return plain
