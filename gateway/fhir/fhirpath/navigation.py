"""From an element to its children, with their types."""

from typing import Any

from gateway.fhir.fhirpath.model import Model, capitalized
from gateway.fhir.fhirpath.values import Collection, Node

# How a JSON object without a known type gives away its choice elements.
_GUESSED = (
    "boolean", "integer", "decimal", "string", "code", "uri", "url", "canonical", "oid", "uuid",
    "id", "date", "dateTime", "instant", "time", "base64Binary", "markdown", "unsignedInt",
    "positiveInt", "Address", "Age", "Annotation", "Attachment", "CodeableConcept", "Coding",
    "ContactPoint", "Count", "Distance", "Duration", "HumanName", "Identifier", "Money", "Period",
    "Quantity", "Range", "Ratio", "Reference", "SampledData", "Signature", "Timing", "Expression",
    "ContactDetail", "Contributor", "DataRequirement", "ParameterDefinition", "RelatedArtifact",
    "TriggerDefinition", "UsageContext", "Dosage", "Meta",
)  # fmt: skip
_UNKNOWN = "?"
CHOICE_SUFFIXES = frozenset(capitalized(code) for code in _GUESSED)


def node_of(value: Any, type_: str = _UNKNOWN) -> Node:
    """Wrap a JSON value; a resource knows its type itself."""
    if type(value) is dict:
        named = value.get("resourceType")
        if type(named) is str:
            return Node(value, named)
    return Node(value, type_)


def _wrap(parent: dict[str, Any], key: str, type_: str, found: Collection) -> None:
    value = parent.get(key)
    kind = type(value)
    if kind is dict:
        found.append(node_of(value, type_))
    elif kind is list:
        extras = parent.get("_" + key)
        extras = extras if type(extras) is list else ()
        for position, item in enumerate(value):  # type: ignore[arg-type]
            extra = extras[position] if position < len(extras) else None
            if item is not None or extra is not None:
                found.append(node_of(item, type_) if extra is None else Node(item, type_, extra))
    else:
        extra = parent.get("_" + key)
        if value is not None or type(extra) is dict:
            found.append(Node(value, type_, extra))
        elif type(extra) is list:
            found.extend(Node(None, type_, item) for item in extra if item is not None)


def child(model: Model, node: Node, name: str) -> Collection:
    """Give the children of that name; a choice element answers to its stem."""
    value = node.value
    if type(value) is not dict:
        value = node.extra
        if type(value) is not dict:
            return []
        type_ = "Element"
    else:
        type_ = node.type
    found: Collection = []
    keys = model.children(type_).get(name)
    if keys is None:
        if type_ == _UNKNOWN or name in value:
            _guess(value, name, found)
        return found
    for key, child_type in keys:
        _wrap(value, key, child_type, found)
    return found


def _guess(value: dict[str, Any], name: str, found: Collection) -> None:
    if name in value or "_" + name in value:
        _wrap(value, name, _UNKNOWN, found)
        return
    for code in _GUESSED:
        _wrap(value, name + capitalized(code), code, found)


def children(model: Model, node: Node) -> Collection:
    """Give all direct children, in the order of the JSON keys."""
    value = node.value
    type_ = node.type
    if type(value) is not dict:
        value, type_ = node.extra, "Element"
        if type(value) is not dict:
            return []
    types = {key: code for keys in model.children(type_).values() for key, code in keys}
    found: Collection = []
    for key in value:
        if key == "resourceType" or type(key) is not str:
            continue
        if key[:1] == "_":
            if key[1:] not in value:
                _wrap(value, key[1:], types.get(key[1:], _UNKNOWN), found)
            continue
        _wrap(value, key, types.get(key, _UNKNOWN), found)
    return found


def descendants(model: Model, items: Collection) -> Collection:
    """Give children, their children and so on, breadth first within each."""
    found: Collection = []
    layer = items
    while layer:
        below: Collection = []
        for item in layer:
            if type(item) is Node and (type(item.value) is dict or item.extra is not None):
                below.extend(children(model, item))
        found.extend(below)
        layer = below
    return found
