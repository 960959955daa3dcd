"""Query strings and form bodies, decoded strictly: nothing is replaced or dropped.

https://hl7.org/fhir/R4/search.html (escaping is left to the search)
"""

import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from gateway.errors import GatewayError

_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

# Parameters that say how to answer, not what to search for.
CONTROL = frozenset({"_format", "_pretty"})


def criteria(query: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Give the parameters of a conditional interaction that say which resource is meant."""
    return tuple(pair for pair in query if pair[0] not in CONTROL)


def pairs(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Decode ``application/x-www-form-urlencoded`` octets in order; raise GW-7011."""
    decoded = []
    for part in raw.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            decoded.append((_text(name), _text(value)))
    return tuple(decoded)


def _text(octets: bytes) -> str:
    if _BROKEN.search(octets):
        raise GatewayError("GW-7011")
    try:
        text = unquote_to_bytes(octets.replace(b"+", b" ")).decode()
    except UnicodeDecodeError as err:
        raise GatewayError("GW-7011") from err
    if _FORBIDDEN.search(text):
        raise GatewayError("GW-7011")
    return text
