"""What the international HL7 v2 packs say follows what a message says, however it is changed."""

import dataclasses
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.fhir import definitions
from gateway.formats import READERS
from gateway.mapping import trials
from gateway.records import Issue, Mapped, Resource
from gateway.validation import Validator
from tests.unit.mappings.packs import FOLDER, program

CASES = (
    "adt/admit",
    "oru/lab",
    "order/oml",
    "referral/refer",
    "siu/booked",
    "mdm/document",
    "dft/charges",
    "bar/account",
)
KEYS = {("MSH", 1), ("MSH", 2), ("MSH", 9), ("MSH", 10)}


@cache
def validator() -> Validator:
    return Validator(definitions.load())


def message(case: str) -> list[list[str]]:
    pack, name = case.split("/")
    text = (FOLDER / "hl7v2" / pack / "samples" / f"{name}.hl7").read_text(encoding="utf-8")
    return [line.split("|") for line in text.replace("\n", "\r").split("\r") if line]


def run(case: str, lines: list[list[str]], zone: str | None = "Asia/Shanghai") -> Mapped:
    made = program("hl7v2/" + case.partition("/")[0])
    made = dataclasses.replace(made, samples=dataclasses.replace(made.samples, zone=zone))
    raw = "\r".join("|".join(line) for line in lines).encode()
    (parsed,) = trials.read_records(made, raw, READERS)
    return made.run(parsed, trials.context_of(made))


def errors(mapped: Mapped) -> list[Issue]:
    found = validator().check(mapped.bundle())
    return [one for one in found if one.severity in ("error", "fatal")]


def bad(case: str, lines: list[list[str]]) -> list[Issue]:
    """Give what is wrong with the result: a refusal must name its place, all else be valid."""
    try:
        return errors(run(case, lines))
    except GatewayError as error:
        return [one for one in error.as_issues() if one.place is None]


def of(mapped: Mapped, type_: str) -> list[Resource]:
    resources = [one.resource for one in mapped.contributions]
    return [one for one in resources if one["resourceType"] == type_]


def change(case: str, segment: str, field: int, value: str) -> list[list[str]]:
    """Set one field of the first such segment; MSH counts its separator as the first."""
    lines = message(case)
    line = next(one for one in lines if one[0] == segment)
    at = field - 1 if segment == "MSH" else field
    line += [""] * (at + 1 - len(line))
    line[at] = value
    return lines


def filled(case: str) -> Iterator[tuple[int, int]]:
    for row, line in enumerate(message(case)):
        for at in range(1, len(line)):
            field = at + 1 if line[0] == "MSH" else at
            if line[at] and (line[0], field) not in KEYS:
                yield row, at


@pytest.mark.parametrize("case", CASES)
def test_without_any_one_field_the_rest_is_valid_or_refused_with_a_place(case: str) -> None:
    for row, at in filled(case):
        lines = message(case)
        lines[row][at] = ""
        assert bad(case, lines) == [], (lines[row][0], at)


@pytest.mark.parametrize("case", ["adt/admit", "oru/lab", "referral/refer", "siu/booked"])
def test_a_code_that_nobody_knows_never_makes_invalid_fhir(case: str) -> None:
    for row, at in filled(case):
        lines = message(case)
        first = lines[row][at].split("^")
        if not first[0].isalpha() or len(first[0]) > 8 or not first[0].isascii():
            continue
        lines[row][at] = "^".join(["QQ9", *first[1:]])
        assert bad(case, lines) == [], (lines[row][0], at, lines[row][at])


@pytest.mark.parametrize("case", CASES)
def test_a_segment_of_the_site_changes_nothing_but_the_unread_report(case: str) -> None:
    before = run(case, message(case))
    after = run(case, [*message(case), ["ZZZ", "1", "本院^扩展"]])

    assert after.bundle() == before.bundle()
    new = {str(place.path) for place in after.unread} - {str(p.path) for p in before.unread}
    assert new == {"ZZZ-1", "ZZZ-2.1", "ZZZ-2.2"}


@settings(max_examples=25, deadline=None)
@given(
    family=st.text("abcdefgXYZ陈李王", min_size=1, max_size=8),
    given_name=st.text("klmnopQRS静明华", min_size=1, max_size=8),
    year=st.integers(1900, 2026),
    month=st.integers(1, 12),
    gender=st.sampled_from([("M", "male"), ("F", "female"), ("O", "other"), ("U", "unknown")]),
    numbers=st.lists(st.integers(10**6, 10**9), min_size=1, max_size=4, unique=True),
)
def test_the_patient_is_who_the_message_says(
    family: str,
    given_name: str,
    year: int,
    month: int,
    gender: tuple[str, str],
    numbers: list[int],
) -> None:
    lines = change("adt/admit", "PID", 5, f"{family}^{given_name}^^^^^L")
    pid = next(line for line in lines if line[0] == "PID")
    pid[7], pid[8] = f"{year}{month:02}", gender[0]
    pid[3] = "~".join(f"{number}^^^H1^MR" for number in numbers)
    (patient,) = of(run("adt/admit", lines), "Patient")

    name = patient["name"][0]
    assert (name["family"], name["given"]) == (family, [given_name])
    assert (patient["birthDate"], patient["gender"]) == (f"{year}-{month:02}", gender[1])
    values = [one["value"] for one in patient["identifier"]]
    assert [str(number) for number in numbers] == values[: len(numbers)]


def test_each_result_keeps_its_value_unit_and_time() -> None:
    lines = message("oru/lab")
    numbers = ["0.50", "7", "132.10"]
    obx = next(line for line in lines if line[0] == "OBX")
    rest = [line for line in lines if line[0] not in ("OBX", "NTE", "SPM")]
    results = [
        [*obx[:1], str(no), "NM", f"{1000 + no}-1^T{no}^LN", "", value, *obx[6:]]
        for no, value in enumerate(numbers, 1)
    ]
    mapped = run("oru/lab", [*rest, *results])

    found = [
        (one["code"]["coding"][0]["code"], str(one["valueQuantity"]["value"]))
        for one in of(mapped, "Observation")
    ]
    assert found == [("1001-1", "0.50"), ("1002-1", "7"), ("1003-1", "132.10")]
    assert len(of(mapped, "DiagnosticReport")[0]["result"]) == 3


def test_a_time_without_zone_gets_none() -> None:
    lines = change("adt/admit", "PV1", 44, "20261103143000")

    (visit,) = of(run("adt/admit", lines, zone=None), "Encounter")
    assert visit["period"]["start"] == "2026-11-03"
    (visit,) = of(run("adt/admit", lines), "Encounter")
    assert visit["period"]["start"] == "2026-11-03T14:30:00+08:00"


@pytest.mark.parametrize(
    ("event", "status"),
    [("A01", "in-progress"), ("A03", "finished"), ("A05", "planned"), ("A11", "cancelled")],
)
def test_the_event_decides_the_state_of_the_visit(event: str, status: str) -> None:
    lines = change("adt/admit", "MSH", 9, f"ADT^{event}^ADT_A01")

    (visit,) = of(run("adt/admit", lines), "Encounter")
    assert visit["status"] == status


def test_the_same_number_under_two_names_is_two_people() -> None:
    lines = change("adt/admit", "PV1", 8, "D1042^钱^思远")

    people = [one for one in of(run("adt/admit", lines), "Practitioner") if "identifier" in one]
    families = [
        one["name"][0]["family"] for one in people if one["identifier"][0]["value"] == "D1042"
    ]
    assert sorted(families) == ["赵", "钱"]
