"""What python-hl7 writes we read alike: cuts, repetitions, escapes, batches."""

import hl7  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.formats.reading import nodes, read, texts

_HEAD = "MSH|^~\\&|A||||||ACK|1\r"
_TEXT = st.text(alphabet="abcXYZ019 .,-|^~&\\\r", min_size=1, max_size=12)
_PLAIN = st.text(alphabet="abcXYZ019.", max_size=5)
_FIELD = st.lists(
    st.lists(st.lists(_PLAIN, min_size=1, max_size=3), min_size=1, max_size=3), max_size=3
)


@settings(max_examples=150, deadline=None)
@given(_TEXT)
def test_what_it_escapes_we_read_as_it_was(text: str) -> None:
    container = hl7.parse(_HEAD)
    sent = f"{_HEAD}NTE|1||x{hl7.util.escape(container, text)}x\r"
    (parsed,) = read(sent.encode(), "hl7v2")
    assert texts(parsed, "NTE-3") == [f"x{text}x".replace("\r", "\n")]


@settings(max_examples=100, deadline=None)
@given(st.lists(_FIELD, min_size=1, max_size=4))
def test_every_value_stands_where_it_says(fields: list[list[list[list[str]]]]) -> None:
    written = ["~".join("^".join("&".join(c) for c in r) for r in field) for field in fields]
    sent = f"{_HEAD}ZAA|{'|'.join(written)}\r"
    (parsed,) = read(sent.encode(), "hl7v2")
    (segment,) = nodes(parsed, "ZAA")
    theirs = hl7.parse(sent)
    for field, told in enumerate(fields, 1):
        for repetition, components in enumerate(told, 1):
            for component, subs in enumerate(components, 1):
                for sub in range(1, len(subs) + 1):
                    at = f".{field}[{repetition}].{component}.{sub}".replace(".", "-", 1)
                    ours = texts(parsed, f"ZAA{at}")
                    expected = theirs.extract_field("ZAA", 1, field, repetition, component, sub)
                    assert (ours or [""])[0] == str(expected)
    assert segment.place.line == 2


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_a_file_of_batches_holds_the_messages_that_it_finds(sizes: list[int]) -> None:
    number = 0
    lines = ["FHS|^~\\&|A"]
    for size in sizes:
        lines.append("BHS|^~\\&|A")
        for _ in range(size):
            number += 1
            lines += [f"MSH|^~\\&|A||||||ACK|{number}", f"NTE|{number}"]
        lines.append(f"BTS|{size}")
    if not number:
        return
    sent = "\r".join([*lines, f"FTS|{len(sizes)}", ""])
    records = read(sent.encode(), "hl7v2")
    theirs = [str(one["MSH"][0][10]) for batch in hl7.parse_file(sent) for one in batch]
    assert [record.control_id for record in records] == theirs
    assert [record.issues for record in records] == [()] * number
