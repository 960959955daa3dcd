"""What one value gives to the search index, by kind of parameter and type of value.

R4 sections 3.1.1.5.4 to 3.1.1.5.14. A value that is not of the shape its type promises gives no
row: content that was accepted under a lenient policy is still searchable by the rest.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any

from gateway.fhir import references, times
from gateway.fhir.definitions import load
from gateway.fhir.search_pinyin import readings
from gateway.fhir.search_values import fold, precision_bounds
from gateway.fhir.systems import CURRENCY
from gateway.records import Json

Values = tuple[Any, ...]
Maker = Callable[[Any], Iterator[Values]]

_NO_LOWER, _NO_UPPER = Decimal("-Infinity"), Decimal("Infinity")


def maker(kind: str, type_: str, required: str | None) -> Maker | None:
    """Give what turns a value of a type into index values; None when the kind has no rule for it.

    ``required`` is the value set that a code must be of: it implies the code's system.
    """
    if kind == "token" and type_ == "code":
        system, by_code = _implied_systems(required) if required else (None, {})
        return lambda value: _plain_token(value, by_code.get(str(value), system))
    return _MAKERS.get((kind, type_))


@cache
def _implied_systems(value_set: str) -> tuple[str | None, dict[str, str]]:
    """Give the one system that a required value set takes its codes from; else that of each code.

    A code that several of its systems have implies none.
    """
    definition = load().value_set(value_set)
    include = definition["compose"].get("include", []) if definition else []
    systems = {entry.get("system") for entry in include}
    if len(systems) == 1:
        return systems.pop(), {}
    found: dict[str, set[str]] = {}
    for entry in include:
        system = entry.get("system")
        listed = entry.get("concept") or (load().code_system(system) or {}).get("concept", ())
        for code in _codes(listed):
            found.setdefault(code, set()).add(system)
    return None, {code: several.pop() for code, several in found.items() if len(several) == 1}


def _codes(concepts: Iterable[Any]) -> Iterator[str]:
    for one in concepts:
        yield one["code"]
        yield from _codes(one.get("concept", ()))


def _dict(value: Json) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _decimal(value: Json) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value)


# ---------------------------------------------------------------- token


def _plain_token(value: Json, system: str | None = None) -> Iterator[Values]:
    if isinstance(value, bool):
        yield None, "true" if value else "false", None
    elif isinstance(value, str) and value:
        yield system, value, None


def _coding(value: Json) -> Iterator[Values]:
    coding = _dict(value)
    code, display = _text(coding.get("code")), _text(coding.get("display"))
    if code or display:
        yield _text(coding.get("system")), code, display


def _codeable_concept(value: Json) -> Iterator[Values]:
    concept = _dict(value)
    for coding in _list(concept.get("coding")):
        yield from _coding(coding)
    text = _text(concept.get("text"))
    if text:
        yield None, None, text


def _identifier(value: Json) -> Iterator[Values]:
    identifier = _dict(value)
    number = _text(identifier.get("value"))
    text = _text(_dict(identifier.get("type")).get("text"))
    if number or text:
        yield _text(identifier.get("system")), number, text


def _identifier_type(value: Json) -> Iterator[Values]:
    """Give what ``:of-type`` asks for: the type's coding, and its code and the number as one."""
    identifier = _dict(value)
    number = _text(identifier.get("value"))
    for coding in _list(_dict(identifier.get("type")).get("coding")) if number else ():
        code = _text(_dict(coding).get("code"))
        if code:
            yield _text(coding.get("system")), f"{code}|{number}", None


def _contact_point(value: Json) -> Iterator[Values]:
    contact = _dict(value)
    number = _text(contact.get("value"))
    if number:
        yield _text(contact.get("use")), number, None


# ---------------------------------------------------------------- string


def _string(value: Json) -> Iterator[Values]:
    text = _text(value)
    folded = fold(text) if text else ""
    if folded:
        yield folded, text


def _parts(*names: str) -> Maker:
    def make(value: Json) -> Iterator[Values]:
        element = _dict(value)
        for name in names:
            member = element.get(name)
            for item in member if isinstance(member, list) else (member,):
                yield from _string(item)

    return make


_name_parts = _parts("text", "family", "given", "prefix", "suffix")


def _human_name(value: Json) -> Iterator[Values]:
    yield from _name_parts(value)
    name = _dict(value)
    family, given = _text(name.get("family")), _list(name.get("given"))
    # A Chinese name is asked for as it is spoken, family name first and without a blank.
    if family and not family.isascii() and not _text(name.get("text")):
        yield from _string(family + "".join(g for g in given if isinstance(g, str)))


def _pinyin(value: Json) -> Iterator[Values]:
    name = _dict(value)
    family, given = _text(name.get("family")), _list(name.get("given"))
    spoken = (family or "") + "".join(g for g in given if isinstance(g, str))
    for text in dict.fromkeys((spoken, _text(name.get("text")) or "")):
        for reading in readings(text):
            yield reading, reading


# ---------------------------------------------------------------- date


def _interval(value: Json) -> times.Interval | None:
    text = _text(value)
    if text is None:
        return None
    try:
        return times.interval(text)
    except ValueError:
        return None


def _date(value: Json) -> Iterator[Values]:
    interval = _interval(value)
    if interval is not None:
        yield interval


def _period(value: Json) -> Iterator[Values]:
    period = _dict(value)
    start, end = _interval(period.get("start")), _interval(period.get("end"))
    if start or end:
        yield start[0] if start else times.EARLIEST_US, end[1] if end else times.LATEST_US


def _timing(value: Json) -> Iterator[Values]:
    """Give the outer limits; how often something happens between them does not matter."""
    timing = _dict(value)
    events = [e for event in _list(timing.get("event")) if (e := _interval(event)) is not None]
    limits = [*events, *_period(_dict(timing.get("repeat")).get("boundsPeriod"))]
    if limits:
        yield min(low for low, _ in limits), max(high for _, high in limits)


# ---------------------------------------------------------------- number, quantity


def _number(value: Json) -> Iterator[Values]:
    number = _decimal(value)
    if number is not None:
        yield precision_bounds(number)


def _quantity(value: Json) -> Iterator[Values]:
    quantity = _dict(value)
    number = _decimal(quantity.get("value"))
    if number is None:
        return
    low, high = precision_bounds(number)
    comparator = quantity.get("comparator")
    # Less than 0.5 is nowhere above 0.5, whatever the precision.
    if comparator in ("<", "<="):
        low, high = _NO_LOWER, number
    elif comparator in (">", ">="):
        low, high = number, _NO_UPPER
    system, code = _text(quantity.get("system")), _text(quantity.get("code"))
    unit = _text(quantity.get("unit"))
    yield low, high, system, code or unit
    if code and unit and unit != code:
        yield low, high, None, unit


def _money(value: Json) -> Iterator[Values]:
    money = _dict(value)
    number = _decimal(money.get("value"))
    if number is not None:
        yield (*precision_bounds(number), CURRENCY, _text(money.get("currency")))


def _range(value: Json) -> Iterator[Values]:
    low = next(_quantity(_dict(value).get("low")), None)
    high = next(_quantity(_dict(value).get("high")), None)
    told = low or high
    if told is not None:
        yield low[0] if low else _NO_LOWER, high[1] if high else _NO_UPPER, told[2], told[3]


def _position(value: Json) -> Iterator[Values]:
    position = _dict(value)
    latitude, longitude = (_decimal(position.get(key)) for key in ("latitude", "longitude"))
    if latitude is not None and longitude is not None:
        yield latitude, longitude


# ---------------------------------------------------------------- reference, uri


def _reference(value: Json) -> Iterator[Values]:
    reference = _dict(value)
    stated = _text(reference.get("type"))
    literal = _text(reference.get("reference"))
    if literal and not literal.startswith("#"):
        target = references.split(literal)
        if target is not None and references.server_of(literal) is None:
            yield target.type, target.id, f"{target.type}/{target.id}"
        else:
            yield target.type if target else stated, None, literal
    identifier = _dict(reference.get("identifier"))
    number = _text(identifier.get("value"))
    if number:
        yield stated, None, f"{_text(identifier.get('system')) or ''}|{number}"


def _canonical(value: Json) -> Iterator[Values]:
    text = _text(value)
    if text is not None:
        target = references.split(text)
        if target is not None and references.server_of(text) is None:
            # Not absolute, as it should be; whoever asks for it asks as for any reference.
            yield target.type, target.id, text
            return
        yield None, None, text
        url, bar, _ = text.partition("|")
        if bar:
            yield None, None, url


def _inline_resource(value: Json) -> Iterator[Values]:
    resource = _dict(value)
    type_, id_ = _text(resource.get("resourceType")), _text(resource.get("id"))
    if type_ and id_:
        yield type_, id_, f"{type_}/{id_}"


def _uri(value: Json) -> Iterator[Values]:
    for _, _, text in _canonical(value):
        yield (text,)


_MAKERS: dict[tuple[str, str], Maker] = {
    ("token", "Coding"): _coding,
    ("token", "CodeableConcept"): _codeable_concept,
    ("token", "Identifier"): _identifier,
    ("token", "ContactPoint"): _contact_point,
    ("of-type", "Identifier"): _identifier_type,
    ("pinyin", "HumanName"): _pinyin,
    ("position", "BackboneElement"): _position,
    ("string", "HumanName"): _human_name,
    ("string", "Address"): _parts(
        "text", "line", "city", "district", "state", "postalCode", "country"
    ),
    ("string", "Annotation"): _parts("text"),
    ("date", "Period"): _period,
    ("date", "Timing"): _timing,
    ("quantity", "Money"): _money,
    ("quantity", "Range"): _range,
    ("reference", "Reference"): _reference,
    ("reference", "Resource"): _inline_resource,
    **{("token", t): _plain_token for t in ("boolean", "id", "string", "uri", "oid", "uuid")},
    **{("string", t): _string for t in ("string", "markdown", "code", "id", "uri")},
    **{("date", t): _date for t in ("date", "dateTime", "instant")},
    **{("number", t): _number for t in ("decimal", "integer", "positiveInt", "unsignedInt")},
    **{
        ("quantity", t): _quantity
        for t in ("Quantity", "SimpleQuantity", "Age", "Duration", "Count", "Distance")
    },
    **{("reference", t): _canonical for t in ("canonical", "uri", "url")},
    **{("uri", t): _uri for t in ("uri", "url", "canonical", "oid", "uuid")},
}
