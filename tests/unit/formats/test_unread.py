"""What of an XML document nobody read: the quick answer against its plain definition."""

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.formats.xml import Attribute, Document, Element, Text, leaves, unread
from gateway.records import Place

XML = etree.fromstring(
    b"""<a id="1" k=" "><b x="2">t<c y="3">u</c>v<c y="4"/></b>
<b>w<d z="5"><e>q</e></d></b> <f/>tail</a>"""
)


def _within(inner: Place, outer: str) -> bool:
    return inner.path == outer or inner.path.startswith(f"{outer}/")


def _by_definition(
    document: Document, read: set[Place], ignored: list[Attribute | Element]
) -> list[Place]:
    texts_read = [place.path for place in read if "/@" not in place.path]
    found = []
    for place in (leaf.place for leaf in leaves(document)):
        is_text_read = "/@" not in place.path and any(_within(place, p) for p in texts_read)
        if place in read or is_text_read or any(_within(place, n.place.path) for n in ignored):
            continue
        found.append(place)
    return found


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_unread_places_are_those_of_leaves_neither_read_nor_ignored(data: st.DataObject) -> None:
    document = Document(XML.getroottree())
    elements = [Element(one, document) for one in XML.iter(etree.Element)]
    attributes = [leaf for leaf in leaves(document) if isinstance(leaf, Attribute)]
    nodes: list[Attribute | Element] = [*elements, *attributes]
    read = {node.place for node in data.draw(st.lists(st.sampled_from(nodes), max_size=4))}
    ignored = data.draw(st.lists(st.sampled_from(nodes), max_size=3))

    assert unread(document, read, ignored) == _by_definition(document, read, ignored)


def test_a_text_that_is_read_leaves_the_attributes_beside_it_unread() -> None:
    document = Document(etree.fromstring(b"<a x='1'>t</a>").getroottree())
    text = next(leaf for leaf in leaves(document) if isinstance(leaf, Text))

    assert unread(document, {text.place}, []) == [Place("/a/@x", 1)]
