"""Write FHIR XML: elements in the schema's order, values in attributes."""

import re
from decimal import Decimal
from html.entities import name2codepoint
from typing import Any

from lxml import etree

from gateway.errors import GatewayError
from gateway.fhir.codec import plain
from gateway.fhir.definitions import load
from gateway.fhir.elements import Element, shape
from gateway.fhir.xml_reader import FHIR, XHTML
from gateway.records import Json, Resource

_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})

_ONLY_FHIR: Any = {None: FHIR}  # The stubs know no default namespace.

Node = Any
"""An element of lxml, whose stubs are not complete enough to name it."""


def encode(resource: Resource) -> bytes:
    """Encode one resource as UTF-8 XML.

    Raises GatewayError GW-2227 for what the definitions do not know and GW-2228 for text that XML
    cannot carry.
    """
    type_ = _type(resource, "")
    root = etree.Element(f"{{{FHIR}}}{type_}", nsmap=_ONLY_FHIR)
    _write_members(root, resource, type_, type_)
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def indented(written: bytes) -> bytes:
    """Indent what ``encode`` wrote, for people; the narrative stays as it is."""
    root = etree.fromstring(written, etree.XMLParser(resolve_entities=False, no_network=True))
    _indent(root, "\n")
    content: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return content


def _indent(node: Node, margin: str) -> None:
    children = list(node)
    if not children or not node.tag.startswith(f"{{{FHIR}}}"):
        return
    node.text = f"{margin}  "
    for child in children:
        _indent(child, f"{margin}  ")
        child.tail = f"{margin}  "
    children[-1].tail = margin


def _type(resource: Resource, path: str) -> str:
    type_ = resource.get("resourceType")
    if type_ not in load().resource_types:
        raise GatewayError("GW-2227", expression=path or None, name=str(type_), parent="R4")
    return str(type_)


def _write_members(node: Node, value: Resource, shape_: str, path: str) -> None:
    if not isinstance(value, dict):
        raise GatewayError("GW-2227", expression=path, name=path, parent=shape_)
    elements = shape(shape_)
    present: dict[str, Element] = {}
    for key in value:
        element = elements.get(key.removeprefix("_"))
        if element is not None:
            present[element.key] = element
        elif key != "resourceType":
            raise GatewayError("GW-2227", expression=path, name=key, parent=shape_)
    for key, element in sorted(present.items(), key=lambda item: item[1].order):
        _write_member(node, value, element, f"{path}.{key}")


def _write_member(node: Node, value: Resource, element: Element, path: str) -> None:
    if element.is_attribute:
        _set(node, element.key, value[element.key], path)
        return
    member, sibling = value.get(element.key), value.get(f"_{element.key}")
    if not element.is_list:
        _write_one(node, member, sibling, element, path)
        return
    members = _items(member, element, path)
    siblings = _items(sibling, element, path)
    for number in range(max(len(members), len(siblings))):
        one = members[number] if number < len(members) else None
        other = siblings[number] if number < len(siblings) else None
        _write_one(node, one, other, element, f"{path}[{number}]")


def _items(value: Json, element: Element, path: str) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise GatewayError("GW-2227", expression=path, name=path, parent=element.type)
    return value


def _write_one(node: Node, value: Json, sibling: Json, element: Element, path: str) -> None:
    if element.type == "xhtml":
        node.append(_div(value, path))
        return
    child = etree.SubElement(node, f"{{{FHIR}}}{element.key}")
    if element.is_primitive:
        if value is not None:
            _set(child, "value", value, path)
        if sibling is not None:
            _write_members(child, sibling, "Element", path)
    elif element.type == "Resource":
        type_ = _type(value, path)
        _write_members(etree.SubElement(child, f"{{{FHIR}}}{type_}"), value, type_, path)
    else:
        _write_members(child, value, element.shape or element.type, path)


def _set(node: Node, name: str, value: Json, path: str) -> None:
    if isinstance(value, dict | list):
        raise GatewayError("GW-2227", expression=path, name=path, parent="primitive")
    try:
        node.set(name, _text(value))
    except ValueError as err:
        raise GatewayError("GW-2228", expression=path, name=path) from err


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain(value) if isinstance(value, Decimal) else str(value)


def _div(value: Json, path: str) -> Node:
    """Parse the narrative; entities of HTML, which XML does not know, become characters."""
    text = _ENTITY.sub(_character, value) if isinstance(value, str) else ""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        div = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError) as err:
        raise GatewayError("GW-2228", expression=path, name=path) from err
    if div.tag != f"{{{XHTML}}}div" or div.getroottree().docinfo.internalDTD is not None:
        raise GatewayError("GW-2228", expression=path, name=path)
    return div


def _character(entity: re.Match[str]) -> str:
    name = entity[1]
    if name in _XML_ENTITIES or name not in name2codepoint:
        return entity[0]
    return f"&#{name2codepoint[name]};"
