"""Values no function can read, references into the narrative, units, keys of nodes without id."""

from pathlib import Path

import pytest

from gateway.errors import GatewayError
from tests.unit.mapping.tryout import compiled, mapped, mistakes, patient, patient_map

HEAD = "unreadable: absent\n"
RECORD = (
    '<r><no>1</no><born>2013131</born><unit u="mm[Hg]"/>'
    '<name><ref v="#n"/></name><p ID="n">Rowan\n  Tidewell</p></r>'
)


def test_a_value_that_cannot_be_read_parks_the_record(tmp_path: Path) -> None:
    with pytest.raises(GatewayError) as refused:
        patient(tmp_path, "birthDate: {from: /r/born}\n", RECORD, "xml")
    assert refused.value.number == "GW-3103"


def test_where_the_mapping_says_so_it_is_left_out_with_a_warning(tmp_path: Path) -> None:
    program = compiled(tmp_path, patient_map("birthDate: {from: /r/born}\n", "xml", HEAD))
    made = mapped(program, RECORD)
    assert "birthDate" not in made.contributions[0].resource
    assert [(one.number, one.severity) for one in made.issues] == [("GW-3209", "warning")]


def test_unreadable_knows_only_absent(tmp_path: Path) -> None:
    text = patient_map("birthDate: {from: /r/born}\n", "xml", "unreadable: guess\n")
    assert mistakes(tmp_path, text)


def test_a_reference_gives_the_text_of_the_element_it_names(tmp_path: Path) -> None:
    rule = "name: {set: {text: {from: referenced(/r/name/ref/@v), as: collapsed}}}\n"
    assert patient(tmp_path, rule, RECORD, "xml")["name"] == [{"text": "Rowan Tidewell"}]


def test_a_reference_to_nothing_gives_nothing(tmp_path: Path) -> None:
    rule = "name: {set: {text: referenced(./name/ref/@v)}, when: {exists: referenced(/r/x/@v)}}\n"
    assert "name" not in patient(tmp_path, rule, RECORD, "xml")


@pytest.mark.parametrize(
    ("unit", "known"), [("mm[Hg]", True), ("10*9/L", True), ("Puffs", False), ("a b", False)]
)
def test_only_a_unit_of_ucum_is_called_so(tmp_path: Path, unit: str, known: bool) -> None:
    rule = "name: {set: {text: {from: /r/unit/@u, as: ucum}}}\n"
    made = patient(tmp_path, rule, RECORD.replace("mm[Hg]", unit), "xml")
    assert ("name" in made) is known


def test_an_offset_that_no_place_has_is_no_time(tmp_path: Path) -> None:
    record = RECORD.replace("2013131", "20150722230000-5000")
    with pytest.raises(GatewayError) as refused:
        patient(tmp_path, "deceasedDateTime: {from: /r/born}\n", record, "xml")
    assert refused.value.number == "GW-3103"
