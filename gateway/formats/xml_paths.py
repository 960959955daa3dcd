"""The XML path dialect: XPath 1.0 with the prefixes that the mapping declares.

A path without a leading ``/`` starts at the anchor. Node sets give elements, attributes and text
in document order; a string, number or boolean gives one value, none when it is empty. An element
reads as all the text within it, so whoever reads it has read every text place below its path.
Anchored paths are far cheaper than ``//``. ``referenced(PATH)`` follows a reference within the
document: ``#id`` to the element whose ID it is.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from lxml import etree

from gateway.formats.xml import Attribute, Document, Element, Text
from gateway.records import Format, Node, PathError, Selector

_LITERAL = re.compile(r""""[^"]*"|'[^']*'""")
_PREFIX = re.compile(r"(?<![\w.:-])([A-Za-z_][\w.-]*):(?!:)(?=[\w*])")
_CALL = re.compile(r"(?<![\w.:$-])([A-Za-z_][\w.-]*)\s*\(")
_FUNCTION_NAMES = (
    "last position count id local-name namespace-uri name string concat starts-with "
    "contains substring-before substring-after substring string-length normalize-space "
    "translate boolean not true false lang number sum floor ceiling round text "
    "node comment processing-instruction and or div mod "
)
_FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
_REFERENCED = re.compile(r"referenced\((.+)\)")
_SIMPLE_ATTRIBUTE = re.compile(r"@([A-Za-z_][\w.-]*)")


class XMLPaths:
    """Compiles XPath 1.0."""

    format: Format = "xml"

    def compile(self, path: str, prefixes: Mapping[str, str]) -> Selector:
        """Compile a path; raise PathError for syntax, undeclared prefixes, unknown functions."""
        if found := _REFERENCED.fullmatch(path):
            return partial(_referenced, self.compile(found.group(1), prefixes))
        bare = _LITERAL.sub(lambda found: " " * len(found.group()), path)
        _check_prefixes(bare, prefixes)
        _check_functions(bare)
        if found := _SIMPLE_ATTRIBUTE.fullmatch(path):
            return partial(_attribute, found.group(1))
        try:
            compiled = etree.XPath(path, namespaces=dict(prefixes), regexp=False)
            compiled(etree.Element("x"))
        except etree.XPathError as error:
            raise PathError(f"not an XPath 1.0 expression: {error}") from error
        return partial(_select, compiled, path)


def _check_prefixes(path: str, prefixes: Mapping[str, str]) -> None:
    for found in _PREFIX.finditer(path):
        if found.group(1) not in prefixes:
            declared = ", ".join(prefixes) or "none"
            raise PathError(
                f"the prefix {found.group(1)} is not declared (declared: {declared})",
                found.start() + 1,
            )


def _check_functions(path: str) -> None:
    for found in _CALL.finditer(path):
        name = found.group(1)
        if name not in _FUNCTIONS:
            close = difflib.get_close_matches(name, _FUNCTIONS, 1)
            hint = f"; did you mean {close[0]}()?" if close else ""
            raise PathError(f"XPath 1.0 has no function {name}(){hint}", found.start() + 1)


def _attribute(name: str, anchor: Node, root: Node) -> Sequence[Node]:  # noqa: ARG001
    if not isinstance(anchor, Element):
        return ()
    value = anchor.element.get(name)
    return (Attribute(anchor.element, name, value, anchor.document),) if value else ()


def _referenced(inner: Selector, anchor: Node, root: Node) -> Sequence[Node]:
    """Follow ``#id`` to the element of the narrative that has it as its ID."""
    found: list[Node] = []
    for node in inner(anchor, root):
        if isinstance(node, Attribute | Text) and (name := node.raw_text.strip()).startswith("#"):
            target = node.document.identified.get(name[1:])
            if target is not None:
                found.append(Element(target, node.document))
    return found


def _select(compiled: Any, path: str, anchor: Node, root: Node) -> Sequence[Node]:  # noqa: ARG001
    if not isinstance(anchor, Element | Attribute | Text):
        return ()
    result = compiled(anchor.element)
    document = anchor.document
    if isinstance(result, list):
        return [
            node for item in result if (node := _node(item, document, anchor.element)) is not None
        ]
    text = _scalar(result)
    return (Text(text, anchor.element, document, path),) if text else ()


def _node(item: Any, document: Document, context: Any) -> Node | None:
    if isinstance(item, str):
        owner = item.getparent() if hasattr(item, "getparent") else context
        if not item:
            return None
        if getattr(item, "is_attribute", False):
            return Attribute(owner, str(item.attrname), str(item), document)  # type: ignore[attr-defined]
        if getattr(item, "is_tail", False):
            owner = owner.getparent()
        return Text(str(item), owner, document)
    return Element(item, document) if isinstance(item.tag, str) else None


def _scalar(result: object) -> str:
    if isinstance(result, bool):
        return "true" if result else "false"
    if isinstance(result, float):
        return str(int(result)) if result.is_integer() else repr(result)
    return str(result)
