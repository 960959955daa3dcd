"""Laws of the mapping engine on records that nobody wrote by hand."""

import tempfile
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir.definitions import load
from gateway.formats import DIALECTS
from gateway.mapping import MappingErrors, MappingProgram, load_mapping
from gateway.mapping.conversions import compared, number
from gateway.mapping.moments import date_text, moment_text, parse
from tests.unit.mapping.test_resources import MAP, ORU, leaf_pointers
from tests.unit.mapping.tryout import mapped


def _program() -> MappingProgram:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.yaml"
        path.write_text(MAP, encoding="utf-8")
        return load_mapping(path, DIALECTS, load())


PROGRAM = _program()
TEXTS = st.text(st.characters(codec="gb18030", exclude_characters="|^~\\&\r\n\0"), max_size=12)
RESULTS = st.tuples(
    st.sampled_from(["NM", "ST"]),
    st.decimals(0, 999, places=2).map(str),
    TEXTS,
    st.sampled_from(["F", "P"]),
)


def message(results: list[tuple[str, str, str, str]]) -> str:
    """Write an ORU with these results."""
    head = "\r".join(ORU.split("\r")[:3])
    lines = [
        f"OBX|{no}|{kind}|C{no}^{name}^L||{value}|g/L|||||{status}"
        for no, (kind, value, name, status) in enumerate(results, 1)
    ]
    return "\r".join([head, *lines]) + "\r"


@settings(max_examples=40, deadline=None)
@given(st.lists(RESULTS, max_size=6))
def test_every_leaf_has_a_lineage_row_and_every_source_field_is_accounted_for(
    results: list[tuple[str, str, str, str]],
) -> None:
    raw = message(results)
    made = mapped(PROGRAM, raw)

    assert sorted(row.pointer for row in made.lineage) == sorted(leaf_pointers(made.bundle()))
    read = {place for row in made.lineage for place in row.sources}
    assert read.isdisjoint(made.unread)
    assert made == mapped(PROGRAM, raw)
    values = [
        one.resource["valueQuantity"]["value"]
        for one in made.contributions
        if "valueQuantity" in one.resource
    ]
    assert [str(value) for value in values] == [r[1] for r in results if r[0] == "NM"]


@given(st.dates(), st.sampled_from(["%Y", "%Y%m", "%Y%m%d", "%Y-%m-%d", "%Y/%m/%d"]))
def test_a_date_keeps_exactly_the_precision_it_came_with(day, layout) -> None:  # type: ignore[no-untyped-def]
    text = day.strftime(layout).rjust(len(day.replace(year=2000).strftime(layout)), "0")
    parts = parse(text)

    assert parts is not None
    assert date_text(parts) == day.isoformat()[: {2: 4, 4: 7}.get(len(layout), 10)]


@given(st.datetimes(), st.sampled_from(["+0800", "-05:00", "Z"]))
def test_an_offset_is_never_changed_by_a_zone(moment, offset) -> None:  # type: ignore[no-untyped-def]
    text = f"{moment.year:04}{moment:%m%d%H%M%S}{offset}"

    written = moment_text(text, "Asia/Shanghai")

    assert written is not None
    assert written.endswith({"+0800": "+08:00"}.get(offset, offset))


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=2
    )
)
def test_a_number_keeps_value_and_scale(value: Decimal) -> None:
    assert str(number(f"{value:f}")) == f"{value:f}"
    found = compared(f"≤{abs(value):f} g/L")
    assert found is not None
    assert found == ("<=", abs(value), "g/L")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_mapping_file_ends_in_a_program_or_in_placed_mistakes(
    data: st.DataObject,
) -> None:
    lines = MAP.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    cut = data.draw(st.integers(0, len(lines[at])))
    added = data.draw(st.text(st.sampled_from("{}[]:, .#-&*'\"axP1"), max_size=6))
    lines[at] = lines[at][:cut] + added + lines[at][cut + data.draw(st.integers(0, 4)) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.yaml"
        path.write_text("\n".join(lines), encoding="utf-8")
        assert all(line >= 1 for line in _lines_of_mistakes(path))


def _lines_of_mistakes(path: Path) -> list[int]:
    try:
        load_mapping(path, DIALECTS, load())
    except MappingErrors as err:
        return [problem.mark.line for problem in err.problems]
    return []
