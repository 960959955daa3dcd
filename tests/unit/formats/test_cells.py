"""Cells, cut at once and placed when asked, against the nodes that the same paths give."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.formats import DIALECTS
from gateway.records import Node, Place
from tests.unit.formats.reading import read

TEXTS = st.sampled_from(
    ["", "A", " b ", '""', ' "" ', "一", "Ａ（", "10⁹", "\\F\\", "\\T\\x", "-", "　", "0.50"]
)
PARTS = st.lists(TEXTS, min_size=1, max_size=3).map("&".join)
FIELDS = st.lists(
    st.lists(PARTS, min_size=1, max_size=3).map("^".join), min_size=1, max_size=2
).map("~".join)
PATHS = [
    "OBX-1",
    "OBX-2",
    "OBX-2.1",
    "OBX-2.2",
    "OBX-2.1.1",
    "OBX-2.2.2",
    "OBX-3",
    "OBX-3.1",
    "OBX-3.3",
    "OBX-9",
    "OBR-1",
    "OBR-1.1",
    "OBR-2",
    "NTE-1",
    "MSH-2",
    "MSH-9",
    "MSH-9.2",
    ".1",
    ".2",
    ".2.1",
    ".2.2",
    ".3.1",
    "OBX[2.1=A]-1",
    "OBX-2[2].1",
    "OBR/OBX/NTE-1",
]


def _told(found: Sequence[Any]) -> list[tuple[str, Place]]:
    return [(one.text, one.place) for one in found if one.text is not None]


def _filled(selects: list[Any], anchor: Node, root: Node) -> dict[Any, Sequence[Any]]:
    looks: dict[Any, Sequence[Any]] = {}
    selects[0].together(selects)(looks, anchor, root)
    return looks


@settings(max_examples=150, deadline=None)
@given(st.lists(FIELDS, min_size=1, max_size=3), st.lists(FIELDS, min_size=1, max_size=3))
def test_cells_of_hl7_v2_are_the_values_of_their_paths(one: list[str], two: list[str]) -> None:
    lines = ["MSH|^~\\&|a|b|c|d|2024||ORU^R01|1|P|2.5", f"OBR|{'|'.join(two)}"]
    lines += [f"OBX|{'|'.join(one)}", f"NTE|{two[0]}", f"OBX|{'|'.join(two)}"]
    (parsed,) = read("\r".join(lines).encode(), "hl7v2")
    root: Any = parsed.root
    selects: list[Any] = [DIALECTS["hl7v2"].compile(path, {}) for path in PATHS]

    for anchor in (root, *root.segments[1:], *root.named("OBX")[0].values(2)):
        looks = _filled(selects, anchor, root)
        for path, select in zip(PATHS, selects, strict=True):
            wanted = _told(select(anchor, root))
            assert _told(select.cells(anchor, root)) == wanted, path
            assert _told(looks.get(select, select(anchor, root))) == wanted, path


XML_PATHS = [
    "/a",
    "/a/b",
    "/a/b/@x",
    "b",
    "b/c",
    "b/@x",
    "./b[@x='1']/c",
    "@x",
    "./@x",
    ".//c",
    ".//text()",
    "//@x",
    "b|c",
    "count(b)",
    "string(b)",
    "a/b",
    "c/text()",
]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=3))
def test_cells_of_xml_are_the_nodes_of_their_paths(rows: list[tuple[str, str, str]]) -> None:
    root = etree.Element("a", x="1")
    for text, value, tail in rows:
        child = etree.SubElement(root, "b", x=value)
        etree.SubElement(child, "c", x="2").text = text
        child.tail = tail
    (parsed,) = read(etree.tostring(root), "xml")
    for path in XML_PATHS:
        select: Any = DIALECTS["xml"].compile(path, {})
        for anchor in (parsed.root, *select(parsed.root, parsed.root)):
            assert _told(select.cells(anchor, parsed.root)) == _told(select(anchor, parsed.root))
