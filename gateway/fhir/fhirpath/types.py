"""``is``, ``as``, ``ofType`` and ``type()``."""

from decimal import Decimal
from typing import Any

from gateway.fhir.fhirpath.context import Env
from gateway.fhir.fhirpath.quantities import Quantity
from gateway.fhir.fhirpath.registry import eager, typed
from gateway.fhir.fhirpath.temporal import Temporal
from gateway.fhir.fhirpath.values import Collection, Node

_PRIMITIVES = {
    "boolean": "Boolean",
    "string": "String",
    "integer": "Integer",
    "decimal": "Decimal",
    "date": "Date",
    "dateTime": "DateTime",
    "time": "Time",
}
_TEMPORAL_NAMES = {"date": "Date", "dateTime": "DateTime", "time": "Time"}


def system_type(value: Any) -> str:
    """Name the System type of a computed value."""
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer"
    if isinstance(value, (Decimal, float)):
        return "Decimal"
    if isinstance(value, Temporal):
        return _TEMPORAL_NAMES[value.kind]
    return "Quantity" if isinstance(value, Quantity) else "String"


def has_type(env: Env, item: Any, wanted: str) -> bool:
    """Say whether an item is of a type; ``FHIR.`` and ``System.`` may qualify it."""
    space, _, name = wanted.rpartition(".")
    if type(item) is Node:
        return space != "System" and env.context.model.is_a(item.type, name)
    return space != "FHIR" and system_type(item) == name


@typed("is")
def is_type(env: Env, focus: Collection, wanted: str) -> Collection:
    """Say whether the only item is of the type."""
    return [has_type(env, focus[0], wanted)] if len(focus) == 1 else []


@typed("as")
def as_type(env: Env, focus: Collection, wanted: str) -> Collection:
    """Keep items of the type; R4's own invariants use it on many items, as ``ofType``."""
    return [item for item in focus if has_type(env, item, wanted) or _converts(item, wanted)]


def _converts(item: Any, wanted: str) -> bool:
    """Say whether a FHIR primitive is meant by its System type: ``value as String``."""
    return type(item) is Node and item.type in _PRIMITIVES and _PRIMITIVES[item.type] == wanted


@typed("ofType")
def of_type(env: Env, focus: Collection, wanted: str) -> Collection:
    """Keep items of the type."""
    return [item for item in focus if has_type(env, item, wanted)]


@eager("type")
def type_info(env: Env, focus: Collection) -> Collection:
    """Describe each item's type as an object with namespace and name."""
    del env
    found: Collection = []
    for item in focus:
        if type(item) is Node:
            found.append(Node({"namespace": "FHIR", "name": item.type}, "?"))
        else:
            found.append(Node({"namespace": "System", "name": system_type(item)}, "?"))
    return found
