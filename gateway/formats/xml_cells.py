"""The cells of XML: texts whose place is worked out when somebody asks."""

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.formats.text import normalise
from gateway.formats.xml import Attribute, Document, Text
from gateway.records import Place


class Cell:
    """A text of a document: of an attribute where ``name`` says which, else of an element."""

    __slots__ = ("_document", "_element", "_name", "_place", "is_read", "text")

    def __init__(self, text: str, element: Any, name: str, document: Document) -> None:
        self.text = text
        self.is_read = False
        self._element = element
        self._name = name
        self._document = document
        self._place: Place | None = None

    @property
    def place(self) -> Place:
        """The path of the element or attribute and its line."""
        if self._place is None:
            path = self._document.path_of(self._element)
            if self._name:
                path = f"{path}/@{self._name.rpartition('}')[2]}"
            self._place = Place(path, self._element.sourceline)
        return self._place


class Found:
    """A text that an expression found; lxml tells whose it is when it is asked."""

    __slots__ = ("_context", "_document", "_item", "_place", "is_read", "text")

    def __init__(self, text: str, item: Any, document: Document, context: Any) -> None:
        self.text = text
        self.is_read = False
        self._item = item
        self._document = document
        self._context = context
        self._place: Place | None = None

    @property
    def place(self) -> Place:
        """The path of the element or attribute that holds the text, and its line."""
        if self._place is None:
            item = self._item
            is_node = isinstance(item, Text)
            node = item if is_node else text_node(item, self._document, self._context)
            self._place = node.place
        return self._place


def cells_of(elements: Iterable[Any], document: Document) -> Sequence[Cell]:
    """Give the cells of elements that hold text."""
    made = []
    for one in elements:
        raw = "".join(one.itertext()) if len(one) else one.text
        if raw and (text := normalise(raw)) is not None:
            made.append(Cell(text, one, "", document))
    return made


def attributes_of(elements: Iterable[Any], name: str, document: Document) -> Sequence[Cell]:
    """Give the cells of one attribute of elements."""
    return [
        Cell(text, one, name, document)
        for one in elements
        if (raw := one.get(name)) and (text := normalise(raw)) is not None
    ]


def found_of(items: Iterable[Any], document: Document, context: Any) -> Sequence[Cell | Found]:
    """Give the cells of what an expression found: elements, attributes and texts."""
    made: list[Cell | Found] = []
    for item in items:
        if not isinstance(item, str):
            made += cells_of((item,), document) if isinstance(item.tag, str) else ()
        elif not item.isspace() and (text := normalise(item)) is not None:
            made.append(Found(text, item, document, context))
    return made


def text_node(item: Any, document: Document, context: Any) -> Attribute | Text:
    """Give the node of a text that lxml found, which knows where it stood."""
    owner = item.getparent() if hasattr(item, "getparent") else context
    if getattr(item, "is_attribute", False):
        return Attribute(owner, str(item.attrname), str(item), document)
    if getattr(item, "is_tail", False):
        owner = owner.getparent()
    return Text(str(item), owner, document)
