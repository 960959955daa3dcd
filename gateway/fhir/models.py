"""From typed models (``fhir.resources.R4B``) to the plain resources that are stored.

The models' own dump turns ``Decimal`` into float, so the fields are walked here: 72.50 stays
72.50. Times come back as the model keeps them: it forgets trailing zeros of a second's fraction
and whether UTC was written ``Z`` or ``+00:00`` (written as ``Z``).
"""

from base64 import b64encode
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache

from pydantic import BaseModel

from gateway.records import Json, Resource


def from_model(model: BaseModel) -> Resource:
    """Write a resource or element model as a plain dict, elements in the standard's order.

    Raises TypeError for what is no FHIR value and ValueError for a time without a zone.
    """
    written: Resource = {}
    # The ending of an import path tells resources from elements without loading either.
    if any(ancestor.__module__.endswith(".resource") for ancestor in type(model).__mro__):
        written["resourceType"] = type(model).__name__
    for key, field in _fields(type(model)):
        value = getattr(model, field)
        if value is not None and value != []:
            written[key] = _plain(value)
    return written


@cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """Give (JSON key, field name) of a model's elements, primitive siblings behind their value."""
    order: list[str] = model.elements_sequence()  # type: ignore[attr-defined]
    by_key = {
        info.alias or name: name
        for name, info in model.model_fields.items()
        if name != "fhir_comments"
    }
    keys = [key for element in order for key in (element, f"_{element}") if key in by_key]
    return tuple((key, by_key[key]) for key in keys)


def _plain(value: object) -> Json:
    if isinstance(value, BaseModel):
        return from_model(value)
    if isinstance(value, list | tuple):
        return [None if item is None else _plain(item) for item in value]
    if isinstance(value, str | bool | int | Decimal):
        return value
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _shortened(value.isoformat())
    raise TypeError(f"{type(value).__name__} is no FHIR value")


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("a dateTime with a time of day needs a zone")
    if value.utcoffset() == timedelta(0):
        return _shortened(value.astimezone(UTC).replace(tzinfo=None).isoformat()) + "Z"
    text = value.isoformat()
    return _shortened(text[:-6]) + text[-6:]


def _shortened(text: str) -> str:
    """Drop the last three digits of microseconds when they say nothing."""
    return text.removesuffix("000") if "." in text else text
