"""Any bytes become records or a GatewayError, and what is written is what is read."""

import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.formats import READERS
from gateway.formats.hl7v2_ack import acknowledge
from gateway.formats.hl7v2_escapes import Delimiters, unescape
from gateway.formats.mllp import Deframer, FramingFault, frame
from gateway.records import Format
from tests.unit.formats.reading import NOW, envelope, nodes, read, texts

_HL7 = st.text(alphabet="MSHPIDOBX|^~\\&\r\n0123 测é\x0b\x1c", max_size=200)
_XML = st.text(alphabet="<>/=\"'!?-[]&;:ax \n#x1测", max_size=200)
_JSON = st.text(alphabet='{}[]:,"\\u0d8aef-1.E+ \ntrunl测', max_size=200)
_ROWS = st.text(alphabet='A,B;"\t\r\n1测 ', max_size=200)
_CHARSETS = st.sampled_from([None, "gb18030", "detect", "utf-8", "ascii", "utf-16"])


def survives(raw: bytes, format_: Format, charset: str | None) -> None:
    """Read to the end; every leaf must have a place, every refusal too."""
    refusal: GatewayError | None = None
    try:
        for parsed in READERS[format_].read(envelope(raw, format_, charset)):
            for leaf in parsed.leaves():
                assert str(leaf.place)
                assert leaf.text is None or leaf.text.strip() == leaf.text
    except GatewayError as error:
        refusal = error
    if refusal is not None:
        assert refusal.number.startswith("GW-2")
        assert refusal.where is not None
        assert refusal.text_zh
        assert refusal.text_en


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=300), _HL7.map(str.encode)), _CHARSETS)
def test_any_bytes_are_hl7_or_refused(raw: bytes, charset: str | None) -> None:
    survives(raw, "hl7v2", charset)
    survives(b"MSH|^~\\&|" + raw, "hl7v2", charset)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=300), _XML.map(str.encode)), _CHARSETS)
def test_any_bytes_are_xml_or_refused(raw: bytes, charset: str | None) -> None:
    survives(raw, "xml", charset)
    survives(b"<a>" + raw + b"</a>", "xml", charset)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=300), _JSON.map(str.encode)), _CHARSETS)
def test_any_bytes_are_json_or_refused(raw: bytes, charset: str | None) -> None:
    survives(raw, "json", charset)
    survives(b"[" + raw + b"]", "json", charset)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=300), _ROWS.map(str.encode)), _CHARSETS)
def test_any_bytes_are_rows_or_refused(raw: bytes, charset: str | None) -> None:
    survives(raw, "rows", charset)
    survives(b"A,B\n" + raw, "rows", charset)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class _Exact(json.JSONEncoder):
    def default(self, o: object) -> object:
        return {"decimal": str(o)} if isinstance(o, Decimal) else super().default(o)


@settings(max_examples=100, deadline=None)
@given(_VALUES)
def test_our_json_reads_what_the_standard_library_writes(value: object) -> None:
    raw = json.dumps({"v": value}, cls=_Exact, ensure_ascii=False)
    try:
        (parsed,) = read(raw.encode(), "json")
    except UnicodeEncodeError:
        return
    expected = [
        one for one in _scalars(json.loads(raw, parse_float=str, parse_int=str)) if one.strip()
    ]
    assert [leaf.raw_text for leaf in parsed.leaves()] == expected


def _scalars(value: object) -> list[str]:
    if isinstance(value, dict):
        return [one for member in value.values() for one in _scalars(member)]
    if isinstance(value, list):
        return [one for item in value for one in _scalars(item)]
    if value is None:
        return []
    return [str(value).lower() if isinstance(value, bool) else str(value)]


_DELIMITERS = Delimiters("|", "^", "~", "\\", "&")
_ESCAPED = str.maketrans(
    {
        "|": r"\F\ ".strip(),
        "^": r"\S\ ".strip(),
        "~": r"\R\ ".strip(),
        "&": r"\T\ ".strip(),
        "\\": r"\E\ ".strip(),
    }
)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
def test_escaping_and_unescaping_are_inverse(text: str) -> None:
    assert unescape(text.translate(_ESCAPED), _DELIMITERS, "utf-8") == text


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.lists(st.text(alphabet="ab测1", min_size=1, max_size=5), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    )
)
def test_repetitions_and_components_are_found_where_they_were_put(field: list[list[str]]) -> None:
    sent = "~".join("^".join(components) for components in field)
    (parsed,) = read(f"MSH|^~\\&|A||||||ACK|1\rPID|1||{sent}\r".encode(), "hl7v2")
    for repetition, components in enumerate(field, 1):
        for component, text in enumerate(components, 1):
            assert texts(parsed, f"PID-3[{repetition}].{component}") == [text]
    assert [leaf.text for leaf in parsed.leaves()][-sum(map(len, field)) :] == [
        text for components in field for text in components
    ]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["PID", "NTE", "PV1", "ORC", "OBR", "OBX", "SPM", "ZXX", "DG1", "AL1", "FT1"]
        ),
        max_size=25,
    ),
    st.sampled_from(["PID", "NTE", "PV1", "ORC", "OBR", "OBX", "SPM", "ZXX", "DG1"]),
)
def test_every_segment_is_found_from_the_message_and_never_twice(
    names: list[str], name: str
) -> None:
    raw = "MSH|^~\\&|A||||||ACK|1\r" + "".join(f"{one}|{n}\r" for n, one in enumerate(names))
    (parsed,) = read(raw.encode(), "hl7v2")
    assert len(nodes(parsed, name)) == names.count(name)
    for anchor in nodes(parsed, "OBR"):
        below = [node.place.line for node in nodes(parsed, name, anchor)]
        assert len(set(below)) == len(below)
        assert below == sorted(below, key=lambda line: line or 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=30)), st.lists(st.integers(1, 20), min_size=1))
def test_frames_survive_any_cut_of_the_stream(messages: list[bytes], cuts: list[int]) -> None:
    clean = [message.replace(b"\x0b", b"").replace(b"\x1c", b"") for message in messages]
    stream = b"".join(frame(message) for message in clean)
    deframer = Deframer(1000)
    found: list[bytes | FramingFault] = []
    at = turn = 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        found += deframer.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert found == clean


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), _HL7.map(str.encode)))
def test_any_bytes_can_be_refused_readably(raw: bytes) -> None:
    made = acknowledge(b"MSH" + raw, "AR", now=NOW, text="refused")
    if made is not None:
        assert b"MSA" in made
