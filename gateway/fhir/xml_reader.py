"""Read FHIR XML: a hardened parser, then one walk along the definitions."""

import re
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

from lxml import etree

from gateway.errors import GatewayError
from gateway.fhir.codec import MAX_DEPTH, MAX_EXPONENT
from gateway.fhir.definitions import load
from gateway.fhir.elements import Element, shape
from gateway.records import Json, Place, Resource

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_DOCTYPE = re.compile(rb"<!DOCTYPE|<!ENTITY", re.IGNORECASE)

_ONLY_XHTML: Any = {None: XHTML}  # The stubs know no default namespace.

Node = Any
"""An element of lxml, whose stubs are not complete enough to name it."""


def decode(raw: bytes) -> Resource:
    """Decode one resource from UTF-8 XML.

    Elements may stand in another order than the schema's, for that loses nothing. Raises
    GatewayError GW-2203 and GW-2221 to GW-2226 with path and line.
    """
    found = _DOCTYPE.search(raw)
    if found is not None:
        line = raw.count(b"\n", 0, found.start()) + 1
        raise GatewayError("GW-2222", where=Place("", line))
    root = _parse(raw)
    return _resource(root, "", 0)


def _parse(raw: bytes) -> Node:
    # The encoding is given, so that no declaration can smuggle in another one.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as err:
        reason = (err.msg or "").partition(", line ")[0] or "it is empty"
        line, column = err.position
        where = Place("", max(line, 1), max(column, 1))
        raise GatewayError("GW-2221", where=where, reason=reason) from err
    if root.getroottree().docinfo.internalDTD is not None:
        raise GatewayError("GW-2222", where=Place("", 1))
    return root


def _name(node: Node, path: str) -> str:
    """Give the local name of a FHIR element; processing instructions and others are refused."""
    if not isinstance(node.tag, str):
        raise GatewayError("GW-2222", where=_place(node, path))
    name = etree.QName(node)
    if name.namespace != FHIR:
        raise GatewayError(
            "GW-2223", where=_place(node, path), name=name.localname, parent=path or "FHIR"
        )
    return name.localname


def _children(node: Node) -> list[Node]:
    """Give the child elements; a comment says nothing (within the narrative it is kept)."""
    return [child for child in node if child.tag is not etree.Comment]


def _place(node: Node, path: str) -> Place:
    return Place(path, node.sourceline)


def _resource(node: Node, path: str, depth: int) -> Resource:
    type_ = _name(node, path)
    if type_ not in load().resource_types:
        raise GatewayError("GW-2223", where=_place(node, path), name=type_, parent=path or "FHIR")
    return {"resourceType": type_, **_object(node, type_, path or type_, depth)}


def _object(node: Node, shape_: str, path: str, depth: int) -> Resource:
    """Read an element with members."""
    if depth > MAX_DEPTH:
        raise GatewayError("GW-2203", where=_place(node, path[:100]), limit=MAX_DEPTH)
    elements = shape(shape_)
    written: Resource = {}
    for key, value in node.attrib.items():
        element = elements.get(key)
        if element is not None and element.is_attribute:
            written[key] = value
        elif not (depth == 0 and key == _SCHEMA_LOCATION):
            raise GatewayError("GW-2225", where=_place(node, path), name=path)
    _refuse_text(node, path)
    for key, nodes in _by_name(node, path).items():
        element = elements.get(key)
        if element is None or element.is_attribute:
            raise GatewayError("GW-2223", where=_place(nodes[0], path), name=key, parent=path)
        if len(nodes) > 1 and not element.is_list:
            raise GatewayError("GW-2226", where=_place(nodes[1], f"{path}.{key}"), name=key)
        written |= _member(element, nodes, f"{path}.{key}", depth + 1)
    return written


def _refuse_text(node: Node, path: str) -> None:
    texts = [node.text, *(child.tail for child in node)]
    if any(text and text.strip() for text in texts):
        raise GatewayError("GW-2225", where=_place(node, path), name=path)


def _by_name(node: Node, path: str) -> dict[str, list[Node]]:
    """Gather the children of one name, which must stand together."""
    found: dict[str, list[Node]] = {}
    last = ""
    for child in _children(node):
        if isinstance(child.tag, str) and child.tag == f"{{{XHTML}}}div":
            name = "div"
        else:
            name = _name(child, path)
        if name in found and name != last:
            raise GatewayError("GW-2226", where=_place(child, f"{path}.{name}"), name=name)
        found.setdefault(name, []).append(child)
        last = name
    return found


def _member(element: Element, nodes: list[Node], path: str, depth: int) -> Resource:
    """Read all occurrences of one element as its JSON members."""
    paths = [f"{path}[{n}]" if element.is_list else path for n in range(len(nodes))]
    if element.is_primitive:
        return _primitives(element, list(zip(nodes, paths, strict=True)), depth)
    read = _reader(element)
    values = [read(node, spot, depth) for node, spot in zip(nodes, paths, strict=True)]
    return {element.key: values if element.is_list else values[0]}


def _reader(element: Element) -> Callable[[Node, str, int], Json]:
    if element.type == "xhtml":
        return _xhtml
    if element.type == "Resource":
        return _inner_resource
    shape_ = element.shape or element.type
    return lambda node, path, depth: _object(node, shape_, path, depth)


def _inner_resource(node: Node, path: str, depth: int) -> Resource:
    _refuse_text(node, path)
    children = _children(node)
    if len(children) != 1 or node.attrib:
        raise GatewayError("GW-2225", where=_place(node, path), name=path)
    return _resource(children[0], path, depth)


def _primitives(element: Element, nodes: list[tuple[Node, str]], depth: int) -> Resource:
    """Read primitives: values under the key, ids and extensions under its sibling."""
    values: list[Json] = []
    siblings: list[Resource | None] = []
    for node, path in nodes:
        parts = dict(node.attrib)
        text = parts.pop("value", None)
        sibling = _sibling(node, parts, path, depth)
        if text is None and sibling is None:
            raise GatewayError("GW-2224", where=_place(node, path), name=path, type=element.type)
        values.append(None if text is None else _value(text, element, node, path))
        siblings.append(sibling)
    written: Resource = {}
    if any(value is not None for value in values):
        written[element.key] = values if element.is_list else values[0]
    if any(sibling is not None for sibling in siblings):
        written[f"_{element.key}"] = siblings if element.is_list else siblings[0]
    return written


def _sibling(node: Node, attributes: dict[str, str], path: str, depth: int) -> Resource | None:
    if attributes.keys() - {"id"}:
        raise GatewayError("GW-2225", where=_place(node, path), name=path)
    _refuse_text(node, path)
    sibling: Resource = dict(attributes)
    extensions = []
    for number, child in enumerate(_children(node)):
        spot = f"{path}.extension[{number}]"
        if _name(child, path) != "extension":
            name = etree.QName(child).localname
            raise GatewayError("GW-2223", where=_place(child, path), name=name, parent=path)
        extensions.append(_object(child, "Extension", spot, depth + 1))
    if extensions:
        sibling["extension"] = extensions
    return sibling or None


_INTEGER = re.compile(r"0|-?[1-9]\d{0,18}", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?", re.ASCII)
_INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt"})


def _value(text: str, element: Element, node: Node, path: str) -> Json:
    """Turn the text of an attribute into the JSON value of its type; other faults are not ours."""
    type_ = element.type
    if type_ == "boolean" and text in ("true", "false"):
        return text == "true"
    if type_ in _INTEGERS and _INTEGER.fullmatch(text):
        return int(text)
    if type_ == "decimal" and _DECIMAL.fullmatch(text):
        number = Decimal(text)
        if abs(number.adjusted()) <= MAX_EXPONENT:
            # JSON writes whole numbers without a point; the codec reads them as integers.
            return int(text) if _INTEGER.fullmatch(text) else number
    if type_ in {"boolean", "decimal"} | _INTEGERS:
        raise GatewayError("GW-2224", where=_place(node, path), name=path, type=type_)
    return text


def _xhtml(node: Node, path: str, depth: int) -> str:  # noqa: ARG001 - one reader among others.
    """Write the narrative as it stands in JSON, with no namespace but XHTML's own."""
    if node.tag != f"{{{XHTML}}}div":
        raise GatewayError("GW-2223", where=_place(node, path), name="div", parent=path)
    div = deepcopy(node)
    div.tail = None
    for element in div.iter(etree.Element):
        if etree.QName(element).namespace != XHTML:
            raise GatewayError("GW-2223", where=_place(element, path), name="div", parent=path)
    bare = etree.Element(div.tag, dict(div.attrib), nsmap=_ONLY_XHTML)
    bare.text = div.text
    bare.extend(list(div))
    etree.cleanup_namespaces(bare)
    text: str = etree.tostring(bare, encoding="unicode")
    return text
