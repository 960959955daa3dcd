"""What a path means beside an anchor, so that a result never takes its neighbour's values."""

import pytest

from gateway.formats import DIALECTS
from gateway.records import Parsed, PathError
from tests.unit.formats.reading import nodes, places, read, texts

LAB = """MSH|^~\\&|LIS||||||ORU^R01|1|P|2.5.1
PID|1||P1^^^H^PI~110101195803072025^^^^NI||张^三^^^^^L~ZHANG^SAN^^^^^A
NTE|1||patient comment
PV1|1|I
ORC|RE|A1
OBR|1|A1|F1|CBC^blood count^L
NTE|1||request comment
OBX|1|NM|WBC^white cells^L||5.1
NTE|1||first result
OBX|2|NM|HGB^haemoglobin^L||120
ZOB|x
SPM|1|||BLD
ORC|RE|A2
OBR|2|A2|F2|GLU^glucose^L
OBX|1|NM|GLU^glucose^L||7.2
OBR|3|A3|F3|K^potassium^L
OBX|1|NM|K^potassium^L||4.1
""".replace("\n", "\r")


@pytest.fixture
def lab() -> Parsed:
    return read(LAB.encode(), "hl7v2")[0]


def test_from_the_message_a_name_means_all_such_segments(lab: Parsed) -> None:
    assert texts(lab, "OBX-5") == ["5.1", "120", "7.2", "4.1"]
    assert texts(lab, "NTE-3") == ["patient comment", "request comment", "first result"]


def test_from_a_request_a_name_means_its_own_results(lab: Parsed) -> None:
    first, second, third = nodes(lab, "OBR")
    assert texts(lab, "OBX-5", first) == ["5.1", "120"]
    assert texts(lab, "OBX-5", second) == ["7.2"]
    assert texts(lab, "OBX-5", third) == ["4.1"]


def test_comments_belong_to_what_they_follow(lab: Parsed) -> None:
    first, second = nodes(lab, "OBX")[:2]
    assert texts(lab, "NTE-3", nodes(lab, "PID")[0]) == ["patient comment"]
    assert texts(lab, "NTE-3", nodes(lab, "OBR")[0]) == ["request comment"]
    assert texts(lab, "NTE-3", first) == ["first result"]
    assert texts(lab, "NTE-3", second) == []


def test_a_patient_without_comment_does_not_take_a_results() -> None:
    raw = "MSH|^~\\&|A||||||ORU^R01|1\rPID|1||P1\rOBR|1\rOBX|1|NM|A||1\rNTE|1||low\r"
    (parsed,) = read(raw.encode(), "hl7v2")
    assert texts(parsed, "NTE-3", nodes(parsed, "PID")[0]) == []


def test_from_a_result_the_names_above_it_mean_its_own(lab: Parsed) -> None:
    glucose = nodes(lab, "OBX")[2]
    assert texts(lab, "OBR-3", glucose) == ["F2"]
    assert texts(lab, "ORC-2", glucose) == ["A2"]
    assert texts(lab, "PV1-2", glucose) == ["I"]
    assert texts(lab, "MSH-10", glucose) == ["1"]


def test_a_request_without_order_does_not_take_the_order_before_it(lab: Parsed) -> None:
    third = nodes(lab, "OBR")[2]
    assert texts(lab, "ORC-2", third) == []


def test_a_specimen_belongs_to_its_request_and_is_seen_from_its_results(lab: Parsed) -> None:
    assert texts(lab, "SPM-4", nodes(lab, "OBX")[0]) == ["BLD"]
    assert texts(lab, "SPM-4", nodes(lab, "OBR")[1]) == []


def test_a_local_segment_belongs_to_the_segment_it_follows(lab: Parsed) -> None:
    first, second = nodes(lab, "OBX")[:2]
    assert texts(lab, "ZOB-1", second) == ["x"]
    assert texts(lab, "ZOB-1", first) == []


def test_in_a_specimen_centred_message_requests_hang_below_the_specimen() -> None:
    raw = (
        "MSH|^~\\&|A||||||OUL^R22|1\rSPM|1||S1\rOBR|1||R1\rORC|RE|O1\rOBX|1|NM|A||1\r"
        "SPM|2||S2\rOBR|2||R2\rORC|RE|O2\rOBX|1|NM|A||2\r"
    )
    (parsed,) = read(raw.encode(), "hl7v2")
    second = nodes(parsed, "OBX")[1]
    assert texts(parsed, "SPM-3", second) == ["S2"]
    assert texts(parsed, "ORC-2", nodes(parsed, "OBR")[1]) == ["O2"]


def test_a_diagnosis_before_the_visit_is_still_the_visits() -> None:
    raw = "MSH|^~\\&|A||||||REF^I12|1\rRF1|P\rPID|1||P1\rDG1|1||I25\rPV1|1|O\r"
    (parsed,) = read(raw.encode(), "hl7v2")
    assert texts(parsed, "DG1-3", nodes(parsed, "PV1")[0]) == ["I25"]
    assert texts(parsed, "DG1-3", nodes(parsed, "RF1")[0]) == ["I25"]
    assert texts(parsed, "PV1-2", nodes(parsed, "DG1")[0]) == ["O"]


def test_with_several_visits_each_has_its_own_diagnoses() -> None:
    raw = "MSH|^~\\&|A||||||BAR^P01|1\rPID|1||P1\rPV1|1|O\rDG1|1||A\rPV1|2|I\rDG1|1||B\rPV1|3|E\r"
    (parsed,) = read(raw.encode(), "hl7v2")
    assert [texts(parsed, "DG1-3", visit) for visit in nodes(parsed, "PV1")] == [["A"], ["B"], []]


def test_in_a_scheduling_message_each_resource_has_its_own_comment() -> None:
    raw = (
        "MSH|^~\\&|A||||||SIU^S12|1\rSCH|1\rPID|1||P1\rRGS|1\rAIS|1|A\rNTE|1||service\r"
        "AIP|1|A\rAIL|1|A\rNTE|1||room\r"
    )
    (parsed,) = read(raw.encode(), "hl7v2")
    assert texts(parsed, "NTE-3", nodes(parsed, "AIP")[0]) == []
    assert texts(parsed, "NTE-3", nodes(parsed, "AIL")[0]) == ["room"]
    assert texts(parsed, "SCH-1", nodes(parsed, "AIL")[0]) == ["1"]


def test_groups_hold_what_begins_with_their_first_segment(lab: Parsed) -> None:
    assert texts(lab, "ORDER_OBSERVATION/OBR-4.1") == ["CBC", "GLU", "K"]
    assert texts(lab, "ORDER_OBSERVATION/ORC-2", nodes(lab, "OBX")[2]) == ["A2"]
    assert texts(lab, "OBSERVATION/NTE-3") == ["first result"]
    assert texts(lab, "OBR/NTE-3") == ["request comment"]


def test_relative_paths_go_one_level_down_from_the_anchor(lab: Parsed) -> None:
    first, second = nodes(lab, "PID-3")
    assert (texts(lab, ".1", first), texts(lab, ".4.1", first)) == (["P1"], ["H"])
    assert (texts(lab, ".1", second), texts(lab, ".4", second)) == (["110101195803072025"], [])
    assert texts(lab, ".3.1", nodes(lab, "OBX")[0]) == ["WBC"]
    assert texts(lab, ".", second) == ["110101195803072025"]


def test_predicates_keep_repetitions_and_segments(lab: Parsed) -> None:
    assert texts(lab, "PID-3[type=NI].1") == ["110101195803072025"]
    assert texts(lab, "PID-3[5=PI].1") == ["P1"]
    assert texts(lab, "PID-3[2].1") == ["110101195803072025"]
    assert texts(lab, "PID-5[type=A].2") == ["SAN"]
    assert texts(lab, "OBX[3.1='GLU']-5") == ["7.2"]
    assert texts(lab, "OBX[2]-5") == ["120"]
    assert texts(lab, "PID-3[type=XX].1") == []


def test_unused_levels_name_the_same_value_at_the_same_place(lab: Parsed) -> None:
    assert {*places(lab, "PV1-2"), *places(lab, "PV1-2.1"), *places(lab, "PV1-2.1.1")} == {
        "PV1-2 (line 4)"
    }
    assert texts(lab, "PV1-2.2") == []


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("", 1),
        ("PIDX-3", 1),
        ("pid-3", 1),
        ("PID-", 5),
        ("PID-0", 5),
        ("PID-3.", 7),
        ("PID-3.1.2.3", 12),
        ("PID-3[type=NI", 6),
        ("PID-3[kind=NI].1", 6),
        ("OBX-1[type=NI].1", 6),
        ("ORDER_OBSERVATIONS/OBR-4", 1),
        ("PID-3 or 4", 6),
        (".1x", 3),
    ],
)
def test_a_path_that_does_not_parse_names_its_column(path: str, column: int) -> None:
    with pytest.raises(PathError) as caught:
        DIALECTS["hl7v2"].compile(path, {})
    assert caught.value.column == column


def test_a_misspelt_group_gets_a_suggestion() -> None:
    with pytest.raises(PathError, match="did you mean ORDER_OBSERVATION"):
        DIALECTS["hl7v2"].compile("ORDER_OBSERVATIONS/OBR-4", {})
