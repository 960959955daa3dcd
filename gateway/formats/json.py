"""Read JSON with every value's path, line and column, numbers as they were written.

One pass without recursion: at most 200 levels and 20 MB; duplicate keys, lone surrogates and
everything RFC 8259 forbids are refused with their place. The text of a number is its own digits
(``132.10`` stays).

The kind of an exchange with the national health insurance platform is its ``infno``, at the root
or in ``request``. A bare answer names no trade: ``setlinfo`` with a medical category of an
inpatient stay (21–28, 52…) is ``2304-response``, any other ``2207-response``; ``baseinfo`` is
``1101-response``, ``result`` with ``trt_dcla_detl_sn`` ``2501-response``; everything else
``response``. Categories are open codes, so a channel that carries one trade says ``kind``. Other
records are of kind ``resourceType`` or ``json``. Channel options: ``kind``, ``records`` (a path;
each node it finds is a record; a root array gives its items).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from gateway.errors import GatewayError
from gateway.formats.json_paths import JSONPaths
from gateway.formats.json_values import Item, parse
from gateway.formats.reading import Records, demand_size, text_option
from gateway.formats.text import decide_charset, decode
from gateway.records import Envelope, Format, Node, Parsed, PathError, Place, Selector

MAX_BYTES = 20 * 1024 * 1024


class JSONReader:
    """Reads JSON."""

    format: Format = "json"

    def read(self, envelope: Envelope) -> Iterable[Parsed]:
        """Give the records; raise GW-2401…2404 with line and column, GW-26xx."""
        raw = envelope.raw
        demand_size(raw, MAX_BYTES)
        channel = envelope.channel
        codec = decide_charset(raw, channel.charset, None, Place("", 1))
        root = parse(decode(raw, codec))
        kind = text_option(channel, "kind")
        return Records(_readings(root, codec, kind, text_option(channel, "records")))


def _readings(
    root: Item, codec: str, kind: str | None, path: str | None
) -> Iterator[Callable[[], Parsed]]:
    items: Sequence[Node] = (root,)
    if path is not None or isinstance(root.content, list):
        path = path or "$[*]"
        items = _select(path)(root, root)
        if not items:
            raise GatewayError("GW-2404", where=root.place, path=path)
    for ordinal, item in enumerate(one for one in items if isinstance(one, Item)):
        yield partial(_parsed, item, codec, kind, ordinal)


def _select(path: str) -> Selector:
    try:
        return JSONPaths().compile(path, {})
    except PathError as error:
        raise GatewayError("GW-2003", where=Place(path), option="records", reason=error) from error


def _parsed(item: Item, codec: str, kind: str | None, ordinal: int) -> Parsed:
    return Parsed(
        format="json",
        kind=kind or kind_of(item),
        root=item,
        charset=codec,
        leaves=item.leaves,
        ordinal=ordinal,
        control_id=_control_id(item),
    )


def _text(item: Item | None, *keys: str) -> str | None:
    for key in keys:
        item = item.get(key) if item is not None else None
    return item.text if item is not None else None


def kind_of(item: Item) -> str:
    """Give the kind of a record (see the module)."""
    if number := _text(item, "infno") or _text(item, "request", "infno"):
        return number
    answer = item.get("response") or item
    if answer.get("infcode") is None:
        return _text(item, "resourceType") or "json"
    output = answer.get("output")
    if output is None or not isinstance(output.content, dict):
        return "response"
    if output.get("setlinfo") is not None:
        category = _text(output, "setlinfo", "med_type") or ""
        is_inpatient = category.startswith(("2", "52"))
        return "2304-response" if is_inpatient else "2207-response"
    if output.get("baseinfo") is not None:
        return "1101-response"
    return "2501-response" if _text(output, "result", "trt_dcla_detl_sn") else "response"


def _control_id(item: Item) -> str | None:
    return (
        _text(item, "msgid")
        or _text(item, "request", "msgid")
        or _text(item, "response", "inf_refmsgid")
        or _text(item, "inf_refmsgid")
    )
