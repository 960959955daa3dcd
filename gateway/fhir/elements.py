"""What a type's elements are called in JSON and what they hold, read from the definitions.

The XML reader and writer, the merge and the search index all ask the same question: which key of
an object belongs to which element, of which type, and may it repeat?
"""

from dataclasses import dataclass
from functools import cache

from gateway.fhir.definitions import load
from gateway.records import Resource

_SYSTEM_STRING = "http://hl7.org/fhirpath/System.String"
_BACKBONES = frozenset({"BackboneElement", "Element"})


@dataclass(frozen=True, slots=True)
class Element:
    """One key that an object may hold.

    ``name`` is the element's (``value`` for ``valueQuantity``); ``type`` its data type
    (``Resource`` for a contained one); ``shape`` names the shape of its own members (a data
    type's name, or the path of a backbone element), None for a primitive; ``required`` the value
    set that its codes must be of.
    """

    key: str
    name: str
    type: str
    shape: str | None
    is_list: bool
    is_primitive: bool
    is_attribute: bool
    order: int
    required: str | None = None


Shape = dict[str, Element]


@cache
def shape(path: str) -> Shape:
    """Give the keys of a resource type, data type or backbone element (by path), in order.

    Primitive siblings (``_birthDate``) are not listed. Raises KeyError for an unknown path.
    """
    type_ = path.partition(".")[0]
    structure = load().structure(type_)
    if structure is None:
        raise KeyError(path)
    elements: Shape = {}
    has_children = False
    for definition in structure["snapshot"]["element"]:
        parent, _, name = definition["path"].rpartition(".")
        if parent == path:
            has_children = True
            for element in _keys(definition, name, len(elements)):
                elements[element.key] = element
    if not has_children:
        raise KeyError(path)
    return elements


def _keys(definition: Resource, name: str, order: int) -> list[Element]:
    """Give one Element per type of a definition."""
    is_choice = name.endswith("[x]")
    stem = name.removesuffix("[x]")
    reference = definition.get("contentReference")
    codes = ["BackboneElement"] if reference else [t["code"] for t in definition.get("type", ())]
    found = []
    for code in dict.fromkeys(codes):
        type_ = _primitive_of(code, definition["path"])
        if type_ in _BACKBONES:
            inner = reference.rpartition("#")[2] if reference else definition["path"]
        else:
            inner = type_
        is_primitive = type_ in load().primitive_types and type_ != "xhtml"
        found.append(
            Element(
                key=stem + type_[0].upper() + type_[1:] if is_choice else stem,
                name=stem,
                type=type_,
                shape=None if is_primitive else inner,
                is_list=definition["max"] not in ("0", "1"),
                is_primitive=is_primitive,
                is_attribute="xmlAttr" in definition.get("representation", ()),
                order=order,
                required=_required(definition),
            )
        )
    return found


def _required(definition: Resource) -> str | None:
    binding = definition.get("binding", {})
    value_set: str | None = binding.get("valueSet")
    return value_set if binding.get("strength") == "required" else None


def _primitive_of(code: str, path: str) -> str:
    # Ids, Extension.url and the values of primitives have the types of FHIRPath itself.
    if code == _SYSTEM_STRING:
        return "uri" if path == "Extension.url" else "string"
    return code
