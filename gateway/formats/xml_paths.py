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

from gateway.formats.text import normalise
from gateway.formats.xml import Attribute, Document, Element, Named, Text
from gateway.formats.xml_cells import Cell, Found, attributes_of, cells_of, found_of, text_node
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
_SIMPLE_ATTRIBUTE = re.compile(r"(?:\./)?@([A-Za-z_][\w.-]*)")
_WORD = r"(?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*"
_PLAIN = re.compile(
    rf"(?P<root>/|\./)?(?P<steps>{_WORD}(?:\[@{_WORD}='[^'\]]*'\])?"
    rf"(?:/{_WORD}(?:\[@{_WORD}='[^'\]]*'\])?)*)(?:/@(?P<attribute>{_WORD}))?"
)
_PLAIN_STEP = re.compile(rf"({_WORD})(?:\[@({_WORD})='([^']*)'\])?(?:/|\Z)")
_ATTRIBUTES = re.compile(rf"//@{_WORD}(?:\s*\|\s*//@{_WORD})*")
_Step = tuple[str, str, str]


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
            return _attribute_of(found.group(1))
        try:
            compiled = etree.XPath(path, namespaces=dict(prefixes), regexp=False)
            compiled(etree.Element("x"))
        except etree.XPathError as error:
            raise PathError(f"not an XPath 1.0 expression: {error}") from error
        # Selectors are partials, which take attributes.
        select: Any = _plain(path, prefixes) or _evaluated(compiled, path)
        if path.startswith("/"):
            select.is_absolute = True
        if _ATTRIBUTES.fullmatch(path):
            names = frozenset(_tag(name, prefixes) for name in re.findall(rf"//@({_WORD})", path))
            select.ignoring = partial(_named, names)
        compiled_path: Selector = select
        return compiled_path


def _named(names: frozenset[str], anchor: Node, root: Node) -> Sequence[Node]:  # noqa: ARG001
    return (Named(names),)


def _plain(path: str, prefixes: Mapping[str, str]) -> Selector | None:
    """Walk a path of names as children, many times faster than the XPath engine; else None."""
    found = _PLAIN.fullmatch(path)
    if found is None:
        return None
    steps = tuple(
        (_tag(name, prefixes), _tag(test, prefixes) if test else "", text or "")
        for name, test, text in _PLAIN_STEP.findall(found["steps"])
    )
    attribute = _tag(found["attribute"], prefixes) if found["attribute"] else ""
    given = found["root"] == "/", steps, attribute
    select = partial(_walk, *given)
    select.cells = partial(_walk_cells, *given)  # type: ignore[attr-defined]
    return select


def _tag(name: str, prefixes: Mapping[str, str]) -> str:
    prefix, colon, local = name.partition(":")
    return f"{{{prefixes[prefix]}}}{local}" if colon else name


def _reached(
    is_absolute: bool, steps: tuple[_Step, ...], anchor: Element | Attribute | Text
) -> Sequence[Any]:
    """Give the elements that names lead to."""
    if is_absolute:
        found = [anchor.document.tree.getroot()]
        (tag, test, text), steps = steps[0], steps[1:]
        if found[0].tag != tag or (test and found[0].get(test) != text):
            return ()
    else:
        found = [anchor.element]
    for tag, test, text in steps:
        if len(found) == 1:
            found = list(found[0].iterchildren(tag))
        else:
            found = [child for one in found for child in one.iterchildren(tag)]
        if test:
            found = [one for one in found if one.get(test) == text]
        if not found:
            return ()
    return found


def _walk(
    is_absolute: bool, steps: tuple[_Step, ...], attribute: str, anchor: Node, root: Node
) -> Sequence[Node]:
    del root
    if not isinstance(anchor, Element | Attribute | Text):
        return ()
    document, found = anchor.document, _reached(is_absolute, steps, anchor)
    if not attribute:
        return [Element(one, document) for one in found]
    return [
        Attribute(one, attribute, value, document) for one in found if (value := one.get(attribute))
    ]


def _walk_cells(
    is_absolute: bool, steps: tuple[_Step, ...], attribute: str, anchor: Node, root: Node
) -> Sequence[Cell]:
    del root
    if not isinstance(anchor, Element | Attribute | Text):
        return ()
    found = _reached(is_absolute, steps, anchor)
    if attribute:
        return attributes_of(found, attribute, anchor.document)
    return cells_of(found, anchor.document)


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


def _attribute_of(name: str) -> Selector:
    select = partial(_attribute, name)
    select.cells = partial(_attribute_cells, name)  # type: ignore[attr-defined]
    return select


def _attribute(name: str, anchor: Node, root: Node) -> Sequence[Node]:  # noqa: ARG001
    if not isinstance(anchor, Element):
        return ()
    value = anchor.element.get(name)
    return (Attribute(anchor.element, name, value, anchor.document),) if value else ()


def _attribute_cells(name: str, anchor: Node, root: Node) -> Sequence[Cell]:  # noqa: ARG001
    if not isinstance(anchor, Element):
        return ()
    return attributes_of((anchor.element,), name, anchor.document)


def _referenced(inner: Selector, anchor: Node, root: Node) -> Sequence[Node]:
    """Follow ``#id`` to the element of the narrative that has it as its ID."""
    found: list[Node] = []
    for node in inner(anchor, root):
        if isinstance(node, Attribute | Text) and (name := node.raw_text.strip()).startswith("#"):
            target = node.document.identified.get(name[1:])
            if target is not None:
                found.append(Element(target, node.document))
    return found


def _evaluated(compiled: Any, path: str) -> Selector:
    select = partial(_select, compiled, path)
    select.cells = partial(_select_cells, compiled, path)  # type: ignore[attr-defined]
    return select


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


def _select_cells(
    compiled: Any,
    path: str,
    anchor: Node,
    root: Node,  # noqa: ARG001
) -> Sequence[Cell | Found]:
    if not isinstance(anchor, Element | Attribute | Text):
        return ()
    result = compiled(anchor.element)
    if isinstance(result, list):
        return found_of(result, anchor.document, anchor.element)
    text = normalise(_scalar(result))
    return (
        (Found(text, Text(text, anchor.element, anchor.document, path), anchor.document, None),)
        if text
        else ()
    )


def _node(item: Any, document: Document, context: Any) -> Node | None:
    if isinstance(item, str):
        return text_node(item, document, context) if item else None
    return Element(item, document) if isinstance(item.tag, str) else None


def _scalar(result: object) -> str:
    if isinstance(result, bool):
        return "true" if result else "false"
    if isinstance(result, float):
        return str(int(result)) if result.is_integer() else repr(result)
    return str(result)
