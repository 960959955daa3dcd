"""The rules of narrative XHTML (R4, narrative.html): what may stand in ``Narrative.div``."""

import re
from dataclasses import dataclass
from html.entities import html5
from typing import Any

from lxml import etree


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_XHTML = "http://www.w3.org/1999/xhtml"
_ELEMENTS = _words(
    """
    p br div h1 h2 h3 h4 h5 h6 a span b em i strong small big tt dfn q var abbr acronym cite
    blockquote hr address bdo kbd sub sup ul ol li dl dt dd pre table caption colgroup col thead
    tr tfoot tbody th td code samp img map area
    """
)
_ATTRIBUTES = _words(
    """
    title style class id idref lang dir accesskey tabindex span width align valign char charoff
    abbr axis headers scope rowspan colspan
    """
)
_OWN_ATTRIBUTES = _words(
    """
    a.href a.name a.charset a.type a.hreflang a.rel a.rev a.shape a.coords img.src img.alt
    img.border img.longdesc img.height img.width img.usemap img.ismap blockquote.cite q.cite
    map.name area.shape area.coords area.href area.nohref area.alt table.summary table.border
    table.frame table.rules table.cellspacing table.cellpadding td.nowrap th.nowrap
    """
)
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_ACTIVE = re.compile(r"\s*(?:javascript|vbscript|data:text)", re.IGNORECASE)


# lxml lets one thread after the other use a parser; making one costs more than most narratives.
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


@dataclass(frozen=True, slots=True)
class Narrative:
    """What was found: problems of form, whether anything is visible, links, ids and languages."""

    problems: tuple[str, ...]
    is_visible: bool
    links: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


def _plain_entity(match: re.Match[str]) -> str:
    name = match[1]
    if name in _XML_ENTITIES:
        return match[0]
    return html5.get(name + ";", match[0])


def read(text: str) -> Narrative:
    """Read a ``div``; nothing outside the text is ever fetched, a DOCTYPE is refused."""
    if "<!" in text and "<!--" not in text:
        return Narrative(("DOCTYPE or CDATA",), is_visible=True)
    if "&" in text:
        text = _ENTITY.sub(_plain_entity, text)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return Narrative(("not well-formed",), is_visible=True)
    return _walk(root)


def _walk(root: Any) -> Narrative:
    problems: list[str] = []
    links: list[str] = []
    ids: list[str] = []
    languages: list[str] = []
    is_visible = False
    if root.tag != f"{{{_XHTML}}}div":
        problems.append("the root is no div of the XHTML namespace")
    for element in root.iter():
        if not isinstance(element.tag, str):
            if element.tag is not etree.Comment:
                problems.append("a processing instruction")
        else:
            name = element.tag.rpartition("}")[2]
            if name not in _ELEMENTS or not element.tag.startswith(f"{{{_XHTML}}}"):
                problems.append(f"<{name}>")
            _attributes(element, name, problems, links, ids)
            is_visible = is_visible or name == "img" or bool(element.text and element.text.strip())
            if element.getparent() is root and name == "div" and _language(element):
                languages.append(_language(element))
        is_visible = is_visible or (element is not root and bool((element.tail or "").strip()))
    unique = tuple(dict.fromkeys(problems))
    return Narrative(unique, is_visible, tuple(links), tuple(ids), tuple(languages))


def _language(element: Any) -> str:
    return str(element.get(_XML_LANG) or element.get("lang") or "")


def _attributes(
    element: Any, name: str, problems: list[str], links: list[str], ids: list[str]
) -> None:
    for key, value in element.attrib.items():
        if key == _XML_LANG:
            continue
        if key not in _ATTRIBUTES and f"{name}.{key}" not in _OWN_ATTRIBUTES:
            problems.append(f"<{name} {key}>")
        elif key in ("href", "src") and _ACTIVE.match(value):
            problems.append(f"<{name} {key}> with active content")
        elif key == "href" and value.startswith("#") and len(value) > 1:
            links.append(value[1:])
        elif key in ("id", "name"):
            ids.append(value)
