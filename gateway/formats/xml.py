"""Read XML: CDA, HL7 V3 and flat vendor records, with lxml hardened.

No DOCTYPE (so no entities and no DTD), no network, at most 50 MB, 256 levels and 10 MB in one
text. The character set is decided as for every format and overrides the declaration. The kind is
the document's code for CDA (``C0053``), else the root element's name, which for HL7 V3 is the
interaction (``interactionId`` where the root's name is none). A message that registers a document
(RCMR_IN000002UV*) gives two records: itself, and the document inside. The control id is the root's
``id``. Channel options: ``kind`` (fixed text), ``unwrap``
(an XPath to a base64 document inside, read in its stead), ``prefixes`` for it.
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from typing import Any

from lxml import etree

from gateway.errors import GatewayError
from gateway.formats.reading import Records, demand_size, demand_values, text_option
from gateway.formats.text import DETECT, decide_charset, decode, form_of, normalise
from gateway.formats.xml_faults import fault_of
from gateway.formats.xml_registered import registered_document
from gateway.records import Channel, Envelope, Format, Node, Parsed, Place

HL7 = "urn:hl7-org:v3"
MAX_DEPTH = 256
MAX_TEXT_BYTES = 10_000_000
MAX_TAGS = 1_000_000
MAX_ATTRIBUTES = 1_000
_MANY_ATTRIBUTES = etree.XPath(f"boolean(//*[count(@*) > {MAX_ATTRIBUTES}])")
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_INTERACTION = re.compile(r"[A-Z]{4}_IN\d{6}")
_CHINESE_DOCUMENT = re.compile(r"C0*(\d{1,4})", re.IGNORECASE)


class Document:
    """A parsed XML document; it remembers the paths of elements already asked for."""

    __slots__ = ("_identified", "_paths", "tree")

    def __init__(self, tree: Any) -> None:
        self.tree = tree
        self._paths: dict[Any, str] = {}
        self._identified: dict[str, Any] | None = None

    @property
    def identified(self) -> dict[str, Any]:
        """Give the elements by their ID attribute, the first where several share it."""
        if self._identified is None:
            found: dict[str, Any] = {}
            for element in self.tree.iter():
                name = element.get("ID")
                if name is not None:
                    found.setdefault(name, element)
            self._identified = found
        return self._identified

    def path_of(self, element: Any) -> str:
        """Give ``/ClinicalDocument/id[2]``: local names, numbered where several stand together."""
        known = self._paths.get(element)
        if known is None:
            parent = element.getparent()
            if parent is None:
                known = self._paths[element] = f"/{local_name(element)}"
            else:
                self._name_children(parent)
                known = self._paths[element]
        return known

    def _name_children(self, parent: Any) -> None:
        """Name all children at once: one by one would be quadratic in a flat file of rows."""
        above = self.path_of(parent)
        children = parent[:]
        if len(children) == 1:
            self._paths[children[0]] = f"{above}/{local_name(children[0])}"
            return
        tags = [child.tag for child in children]
        repeated = Counter(tags) if len(set(tags)) < len(tags) else {}
        seen: dict[str, int] = {}
        paths = self._paths
        for child, tag in zip(children, tags, strict=True):
            name = tag.rpartition("}")[2]
            if repeated and repeated[tag] > 1:
                count = seen[tag] = seen.get(tag, 0) + 1
                name = f"{name}[{count}]"
            paths[child] = f"{above}/{name}"


def local_name(element: Any) -> str:
    """Give an element's name without its namespace."""
    tag: str = element.tag
    return tag.rpartition("}")[2]


class Element:
    """An element; its text is all text within, as ``string()`` gives it, white space collapsed."""

    __slots__ = ("document", "element")

    def __init__(self, element: Any, document: Document) -> None:
        self.element = element
        self.document = document

    @property
    def raw_text(self) -> str:
        """All text within the element, as it stood there."""
        if len(self.element) == 0:
            return self.element.text or ""
        return "".join(self.element.itertext())

    @property
    def text(self) -> str | None:
        """All text within the element; None when there is none."""
        return normalise(self.raw_text)

    @property
    def place(self) -> Place:
        """The element's path and line."""
        return Place(self.document.path_of(self.element), self.element.sourceline)


class Attribute:
    """An attribute of an element."""

    __slots__ = ("document", "element", "name", "raw_text")

    def __init__(self, element: Any, name: str, value: str, document: Document) -> None:
        self.element = element
        self.name = name
        self.raw_text = value
        self.document = document

    @property
    def text(self) -> str | None:
        """The attribute's text."""
        return normalise(self.raw_text)

    @property
    def place(self) -> Place:
        """The attribute's path and its element's line."""
        name = self.name.rpartition("}")[2]
        return Place(f"{self.document.path_of(self.element)}/@{name}", self.element.sourceline)


class Text:
    """A piece of text: of an element itself, after a child of it, or what an expression gave."""

    __slots__ = ("document", "element", "expression", "raw_text")

    def __init__(
        self, value: str, element: Any, document: Document, expression: str | None = None
    ) -> None:
        self.raw_text = value
        self.element = element
        self.document = document
        self.expression = expression

    @property
    def text(self) -> str | None:
        """The text, trimmed."""
        return normalise(self.raw_text)

    @property
    def place(self) -> Place:
        """The path of the element that holds the text, or on which the expression was computed."""
        path = self.document.path_of(self.element)
        if self.expression:
            path = f"{path} {self.expression}"
        return Place(path, self.element.sourceline)


class Named:
    """All attributes of some names, wherever they stand: what ``ignore: //@root`` means."""

    __slots__ = ("names",)
    text = None
    raw_text = None
    place = Place("")

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names


class XMLReader:
    """Reads XML: one document is one record."""

    format: Format = "xml"

    def read(self, envelope: Envelope) -> Iterable[Parsed]:
        """Give the document; raise GW-2301 with line and column, GW-2302, GW-2303, GW-26xx."""
        channel = envelope.channel
        root, codec = parse(envelope.raw, channel.charset)
        if path := text_option(channel, "unwrap"):
            root, codec = parse(_unwrapped(root, path, channel), None)
        kind = text_option(channel, "kind")
        records = [partial(_parsed, root, codec, kind, 0)]
        if (inner := registered_document(root)) is not None:
            records.append(partial(_registered, inner))
        return Records(iter(records))


def _parsed(root: Any, codec: str, kind: str | None, ordinal: int) -> Parsed:
    document = Document(root.getroottree())
    return Parsed(
        format="xml",
        kind=kind or kind_of(root),
        root=Element(root, document),
        charset=codec,
        leaves=lambda: leaves(document),
        unread=partial(unread, document),
        ordinal=ordinal,
        control_id=_control_id(root),
    )


def _registered(raw: bytes) -> Parsed:
    """Read the document that a message registers; places are those within it."""
    root, codec = parse(raw, None)
    return _parsed(root, codec, None, 1)


def parse(raw: bytes, charset: str | None) -> tuple[Any, str]:
    """Parse a document and give its root element and codec."""
    demand_size(raw)
    declared = _DECLARED.search(raw[:1000].replace(b"\x00", b""))
    stated = declared.group(1).decode("ascii") if declared else None
    # Two bytes for the first sign tell UTF-16 and its byte order, marked or not.
    form = form_of(raw, "<")
    if form is not None and form.startswith("utf-16-") and not (charset and charset != DETECT):
        stated = form
    codec = decide_charset(raw, charset, stated, Place("", 1))
    text = decode(raw, codec).lstrip()
    _refuse_doctype(text, raw.count(b"\n", 0, len(raw) - len(raw.lstrip())))
    demand_values(text.count("<"), Place("", 1), MAX_TAGS)
    encoded = raw if codec == "utf-8" else text.encode("utf-8")
    try:
        root = etree.fromstring(encoded.lstrip(b"\xef\xbb\xbf \t\r\n"), _parser())
    except etree.XMLSyntaxError as error:
        raise _not_read(error, raw) from error
    # Asking an element for its attributes costs the square of their number.
    if text.count("=") > MAX_ATTRIBUTES and _MANY_ATTRIBUTES(root):
        raise GatewayError("GW-2004", where=Place(f"/{local_name(root)}", 1), limit=MAX_ATTRIBUTES)
    return root, codec


def _parser() -> Any:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
        recover=False,
    )


def _refuse_doctype(text: str, line: int) -> None:
    """Walk over the prolog; after the first element no DOCTYPE is well-formed."""
    at = 0
    while (at := text.find("<", at)) >= 0:
        if text.startswith("<!--", at):
            end = text.find("-->", at)
        elif text.startswith("<?", at):
            end = text.find("?>", at)
        elif text.startswith("<!DOCTYPE", at):
            raise GatewayError("GW-2302", where=Place("", line + text.count("\n", 0, at) + 1))
        else:
            return
        if end < 0:
            return
        at = end


def _not_read(error: Any, raw: bytes) -> GatewayError:
    # libxml2's own message may quote the content; the name of its error does not.
    skipped = raw.count(b"\n", 0, len(raw) - len(raw.lstrip()))
    line, column = error.position
    where = Place("", max(line, 1) + skipped, max(column, 1))
    fault = fault_of(error.code)
    if fault.is_limit:
        return GatewayError("GW-2303", where=where, depth=MAX_DEPTH, text=MAX_TEXT_BYTES)
    return GatewayError("GW-2301", where=where, reason_zh=fault.zh, reason=fault.en)


def _unwrapped(root: Any, path: str, channel: Channel) -> bytes:
    prefixes = channel.options.get("prefixes")
    try:
        found = root.xpath(path, namespaces=prefixes if isinstance(prefixes, Mapping) else None)
        text = found if isinstance(found, str) else _first_text(found)
        return base64.b64decode(re.sub(r"\s+", "", text), validate=True)
    except (etree.XPathError, binascii.Error, ValueError) as error:
        raise GatewayError("GW-2304", where=Place(path, root.sourceline), path=path) from error


def _first_text(found: Any) -> str:
    if not isinstance(found, list) or not found:
        raise ValueError("nothing found")
    first = found[0]
    return first if isinstance(first, str) else "".join(first.itertext())


def kind_of(root: Any) -> str:
    """Give ``C0053`` for a Chinese shared document, another CDA's code, else the root's name."""
    name = local_name(root)
    if name != "ClinicalDocument":
        return name if _INTERACTION.match(name) else _interaction(root) or name
    code = root.find(f"{{{etree.QName(root).namespace or ''}}}code")
    stated = (normalise(code.get("code") or "") if code is not None else None) or name
    if found := _CHINESE_DOCUMENT.fullmatch(stated):
        return f"C{int(found.group(1)):04d}"
    return stated


def _interaction(root: Any) -> str | None:
    """Give the interaction that a message names in ``interactionId``."""
    found = root.find(f"{{{HL7}}}interactionId")
    stated = normalise(found.get("extension") or "") if found is not None else None
    return stated if stated and _INTERACTION.match(stated) else None


def _control_id(root: Any) -> str | None:
    identifier = root.find(f"{{{etree.QName(root).namespace or ''}}}id")
    if identifier is None:
        return None
    parts = (identifier.get("root"), identifier.get("extension"))
    return normalise("^".join(part for part in parts if part))


def leaves(document: Document) -> Iterator[Attribute | Text]:
    """Yield every non-empty attribute and every text with more than white space."""
    for element in document.tree.iter():
        for name, value in element.items():
            if value.strip():
                yield Attribute(element, name, value, document)
        if element.text and element.text.strip():
            yield Text(element.text, element, document)
        for child in element:
            if child.tail and child.tail.strip():
                yield Text(child.tail, element, document)


def unread(document: Document, read: Set[Place], ignored: Sequence[Node]) -> list[Place]:
    """Give the places of leaves that are neither read nor in an ignored attribute or element.

    Whoever reads an element has read all text within it, of its attributes only those named.
    """
    paths = {place.path for place in read}
    attributes: set[tuple[Any, str]] = set()
    elements: set[Any] = set()
    names: set[str] = set()
    for node in ignored:
        if isinstance(node, Attribute):
            attributes.add((node.element, node.name.rpartition("}")[2]))
        elif isinstance(node, Named):
            names |= node.names
        elif isinstance(node, Element | Text):
            elements.add(node.element)
    left: list[Place] = []
    waiting: list[tuple[Any, bool]] = [(document.tree.getroot(), False)]
    while waiting:
        element, is_read = waiting.pop()
        if element in elements:
            continue
        path = document.path_of(element)
        is_read = is_read or path in paths
        for name, value in element.items():
            if name in names:
                continue
            local = name.rpartition("}")[2] if name[0] == "{" else name
            at = f"{path}/@{local}"
            if at not in paths and (element, local) not in attributes and value.strip():
                left.append(Place(at, element.sourceline))
        children = element[:]
        if not is_read:
            text = element.text
            if text and not text.isspace():
                left.append(Place(path, element.sourceline))
            tails = sum(bool((text := child.tail) and not text.isspace()) for child in children)
            left += [Place(path, element.sourceline)] * tails
        waiting += [(child, is_read) for child in reversed(children)]
    return left
