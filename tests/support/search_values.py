"""What to search for so that a resource is found: values read out of it by FHIRPath.

Written against R4's search.html alone, beside the index that it tests.
"""

from collections.abc import Callable, Iterator
from typing import Any

from gateway.fhir.definitions import SearchParameter, load
from gateway.fhir.fhirpath import Context, Model, compile  # noqa: A004 - the package's word.
from gateway.fhir.references import split
from gateway.records import Resource

Parameters = dict[str, SearchParameter]


def values_of(parameter: SearchParameter, resource: Resource, known: Parameters) -> list[str]:
    """Give values of a search parameter that the resource has, escaped as a query holds them."""
    found: list[str] = []
    for item in items_of(parameter.expression, resource, resource):
        if parameter.kind == "composite":
            found += _composed(parameter, item, resource, known)
        else:
            found += _READERS[parameter.kind](item) if parameter.kind in _READERS else ()
    return [text for text in found if text.strip()]


def items_of(expression: str | None, start: Any, resource: Resource) -> list[Any]:
    """Give what an expression finds in a resource."""
    context = Context(_MODEL, resource=resource, root=resource, resolve=_resolved)
    return compile(expression).nodes(start, context) if expression else []


def _resolved(reference: str) -> dict[str, Any] | None:
    target = split(reference)
    return {"resourceType": target.type, "id": target.id} if target else None


def _composed(
    parameter: SearchParameter, item: Any, resource: Resource, known: Parameters
) -> Iterator[str]:
    """Join one value of each component; nothing when one of them has none here."""
    parts = []
    by_url = {one.url: one for one in known.values()}
    for url, expression in parameter.components:
        kind = by_url[url].kind if url in by_url else None
        places = items_of(expression, item, resource)
        texts = [text for place in places for text in (_READERS[kind](place) if kind else ())]
        parts.append(texts[0] if texts else "")
    if all(parts):
        yield "$".join(parts)


def _json(item: Any) -> Any:
    return getattr(item, "value", item)


def escaped(text: Any) -> str:
    """Write a value as a query holds it."""
    written = str(text)
    for sign in ("\\", ",", "$", "|"):
        written = written.replace(sign, f"\\{sign}")
    return written


def _token(item: Any) -> Iterator[str]:
    value = _json(item)
    if isinstance(value, bool):
        yield str(value).lower()
    elif not isinstance(value, dict):
        yield escaped(value)
    else:
        for one in value.get("coding", (value,)):
            code = one.get("code") or one.get("value")
            if isinstance(code, str):
                system = one.get("system", "")
                is_contact = "://" not in system and not system.startswith("urn:")
                yield escaped(code) if is_contact else f"{escaped(system)}|{escaped(code)}"


def _string(item: Any) -> Iterator[str]:
    value = _json(item)
    if not isinstance(value, dict):
        yield escaped(value)
        return
    for key in ("family", "given", "text", "city", "line", "country", "district", "postalCode"):
        for text in value[key] if isinstance(value.get(key), list) else [value.get(key)]:
            if isinstance(text, str):
                yield escaped(text)


def _date(item: Any) -> Iterator[str]:
    value = _json(item)
    if not isinstance(value, dict):
        if getattr(item, "type", None) != "string":  # Some elements are a time or a text.
            yield str(value)
        return
    period = value.get("repeat", {}).get("boundsPeriod", value)
    events = value.get("event", ())
    for prefix, text in (
        ("" if len(events) == 1 else "ge", events[0] if events else None),
        ("ge", period.get("start")),
        ("le", period.get("end")),
    ):
        if isinstance(text, str):
            yield f"{prefix}{text}"


def _number(item: Any) -> Iterator[str]:
    value = _json(item)
    if not isinstance(value, dict):
        yield str(value)


def _quantity(item: Any) -> Iterator[str]:
    value = _json(item)
    if isinstance(value, dict) and "value" in value:
        system, code = value.get("system"), value.get("code")
        if system and code:
            yield f"{value['value']}|{escaped(system)}|{escaped(code)}"
        yield f"{value['value']}"


def _reference(item: Any) -> Iterator[str]:
    value = _json(item)
    text = value.get("reference") if isinstance(value, dict) else value
    if isinstance(value, dict) and "resourceType" in value and "id" in value:
        text = f"{value['resourceType']}/{value['id']}"  # A Bundle's first resource.
    # A bare word, as one example has for a canonical, is no reference.
    if isinstance(text, str) and not text.startswith("#") and (":" in text or "/" in text):
        yield escaped(text)


def _uri(item: Any) -> Iterator[str]:
    value = _json(item)
    if isinstance(value, str):
        yield escaped(value)


_MODEL = Model(load())
_READERS: dict[str, Callable[[Any], Iterator[str]]] = {
    "token": _token,
    "string": _string,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "reference": _reference,
    "uri": _uri,
}
