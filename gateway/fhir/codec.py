"""JSON with exact decimals: the only place where bytes become resources and back.

msgspec reads and writes; this module adds what it lacks. Decimals keep value and scale both ways
(72.50 stays 72.50, 0.0000001 is not turned into 1E-7). Refused with their place: nesting deeper
than 200, duplicate keys, lone surrogates, numbers that are not finite or out of any use.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import msgspec

from gateway.errors import GatewayError
from gateway.fhir import json_places
from gateway.records import Json, Place, Resource

MAX_DEPTH = 200
# A decimal of FHIR needs 18 digits; an exponent of millions is a bomb for whoever computes with it.
MAX_EXPONENT = 400
# More zeros than this behind the point nobody wrote out; 1E-245 stays as it is.
_PLAIN_ZEROS = 32

_BYTE_OFFSET = re.compile(r"^(?:JSON is malformed: )?(.*?) \(byte (\d+)\)$")
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'{}[]"'))
_ONE_BRACKET = bytes.maketrans(b"[]", b"{}")


def _exact(text: str) -> Decimal:
    number = Decimal(text)
    if not -MAX_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        raise OverflowError
    return number


_read: Callable[[bytes], Json] = msgspec.json.Decoder(float_hook=_exact).decode
_write: Callable[[Json], bytes] = msgspec.json.Encoder(decimal_format="number").encode


def decode(raw: bytes) -> Any:
    """Decode a JSON object or array that comes from outside.

    Decimals become ``Decimal``, keys keep their order. A UTF-8 byte order mark is passed over.
    Raises GatewayError GW-2201 to GW-2207 with the place.
    """
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        value = _read(raw)
    except (ValueError, OverflowError, InvalidOperation, RecursionError) as err:
        _refuse(raw, err)
    if not isinstance(value, dict | list):
        raise GatewayError("GW-2204", where=Place("", 1, 1))
    if not _is_shallow(raw):
        raise GatewayError("GW-2203", where=json_places.too_deep(raw, MAX_DEPTH), limit=MAX_DEPTH)
    # Each decoded string keeps its quotes when it is written again, so a difference means that
    # keys were dropped; only a quote that is written as \u0022 makes the comparison unsure.
    if raw.count(b'"') != _write(value).count(b'"') or rb"\u0022" in raw:
        _refuse_duplicates(raw)
    return value


def decode_stored(raw: bytes) -> Resource:
    """Decode what this codec itself wrote, without the checks for what comes from outside."""
    resource: Resource = _read(raw)
    return resource


def encode(value: Json) -> bytes:
    """Encode compactly in UTF-8, keys in their order, decimals in plain notation.

    Raises GatewayError GW-2206 for a lone surrogate and GW-2207 for a number that is not finite.
    """
    try:
        encoded = _write(value)
        if b"E-" in encoded or b"E+" in encoded or b"NaN" in encoded or b"Infinity" in encoded:
            encoded = _write(_in_plain_notation(value))
    except UnicodeEncodeError as err:
        raise GatewayError("GW-2206") from err
    return encoded


def encode_pretty(value: Json) -> bytes:
    """Encode with line breaks and an indentation of two, for people."""
    return msgspec.json.format(encode(value), indent=2)


def _in_plain_notation(value: Json) -> Json:
    """Copy a value with each decimal as the very digits that shall be written."""
    if isinstance(value, dict):
        return {key: _in_plain_notation(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_in_plain_notation(item) for item in value]
    if isinstance(value, Decimal):
        return msgspec.Raw(plain(value).encode())
    return value


def plain(number: Decimal) -> str:
    """Write a decimal as FHIR shows it; a positive exponent stays, for zeros would add precision.

    Raises GatewayError GW-2207 when it is not finite.
    """
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise GatewayError("GW-2207")
    if exponent > 0 or number.adjusted() < -_PLAIN_ZEROS:
        return str(number)
    return format(number, "f")


def _is_shallow(raw: bytes) -> bool:
    """Measure the nesting of well-formed JSON without walking it.

    What is left of the text are its brackets and quotes; strings without brackets collapse, and
    each replacement takes the innermost brackets away.
    """
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return True
    if b"\\" in raw:
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = raw.translate(None, _NOT_STRUCTURE).replace(b'""', b"")
    if b'"' in brackets:
        brackets = b"".join(brackets.split(b'"')[::2])
    brackets = brackets.translate(_ONE_BRACKET)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return True
        brackets = brackets.replace(b"{}", b"")
    return not brackets


def _refuse(raw: bytes, err: Exception) -> NoReturn:
    """Say what is wrong with JSON that could not be decoded, and where."""
    if isinstance(err, RecursionError):
        place = json_places.too_deep(raw, MAX_DEPTH)
        raise GatewayError("GW-2203", where=place, limit=MAX_DEPTH) from err
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as charset:
        where = json_places.at(raw, charset.start)
        raise GatewayError("GW-2201", where=where) from err
    if isinstance(err, OverflowError | InvalidOperation | msgspec.ValidationError):
        raise GatewayError("GW-2207", where=json_places.number_out_of_range(raw)) from err
    surrogate = json_places.lone_surrogate(raw)
    if surrogate is not None:
        raise GatewayError("GW-2206", where=surrogate) from err
    found = _BYTE_OFFSET.match(str(err))
    reason, offset = (found[1], int(found[2])) if found else ("the end is missing", len(raw))
    raise GatewayError("GW-2202", where=json_places.at(raw, offset), reason=reason) from err


def _repeated_key(raw: bytes) -> str | None:
    """Find a key that stands twice in one object, without its place."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        keys: set[str] = set()
        for key, _ in pairs:
            if key in keys:
                found.append(key)
            keys.add(key)

    json.loads(raw, object_pairs_hook=look, parse_float=str, parse_int=str)
    return found[0] if found else None


def _refuse_duplicates(raw: bytes) -> None:
    repeated = _repeated_key(raw)
    if repeated is None:
        return
    if len(raw) > json_places.EFFORT_BYTES:
        raise GatewayError("GW-2205", name=repeated)
    duplicate = json_places.duplicate_key(raw)
    if duplicate is not None:
        name, place = duplicate
        raise GatewayError("GW-2205", where=place, name=name)
