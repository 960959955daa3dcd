"""What a search finds, by the book (R4 section 3.1.1), on resources indexed as in production."""

from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.fhir.definitions import load
from gateway.fhir.search_query import Mode, parse_query
from gateway.records import Visibility
from gateway.store import Store
from tests.unit.store.content import codings, ids, indexed, query
from tests.unit.store.samples import NOW, SHARD, change, commit


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("name=林", ["lin"]),
        ("name=林桂芳", ["lin"]),
        ("name=桂芳", ["lin"]),
        ("name=lin gui", ["lin"]),
        ("name=LÍN", ["lin"]),
        ("family=smith", ["smith", "smithers"]),
        ("family:exact=Smith", ["smith"]),
        ("family:exact=smith", []),
        ("family:contains=MITH", ["smith", "smithers"]),
        ("name:contains=建", ["wang"]),
        ("family=%", []),
        ("family:contains=_", []),
        ("address=青山县\\, 青", ["lin"]),
        ("address=青山县, 青", ["lin"]),
        ("name=林,smithe", ["lin", "smithers"]),
        ("family=smith&gender=male", ["smithers"]),
        ("gender=male,female", ["lin", "smithers", "wang"]),
        ("gender:not=male", ["lin", "smith"]),
        ("gender:missing=true", ["smith"]),
        ("gender:missing=false", ["lin", "smithers", "wang"]),
        ("active=true", ["lin"]),
        ("identifier=A1", ["lin", "wang"]),
        ("identifier=|A1", ["wang"]),
        ("identifier=urn:other|A1", ["wang"]),
        ("identifier=urn:other|", ["wang"]),
        ("identifier=urn:other|A2", []),
        ("identifier=a1", []),
        ("_tag=urn:t|vip", ["wang"]),
        ("_id=lin,smith,nobody", ["lin", "smith"]),
        ("_id=lin&gender=male", []),
        ("birthdate=1990-06", ["wang"]),
        ("birthdate=1990", ["smith", "wang"]),
        ("birthdate=1990-06-01", []),
        ("birthdate=ne1990", ["lin"]),
        ("birthdate=gt1990-06", ["smith"]),
        ("birthdate=lt1990", ["lin"]),
        ("birthdate=ge1990-06", ["smith", "wang"]),
        ("birthdate=le1990-06", ["lin", "smith", "wang"]),
        ("birthdate=sa1990-05", ["wang"]),
        ("birthdate=eb1990", ["lin"]),
        ("birthdate=1962-05-14,1990", ["lin", "smith", "wang"]),
        ("birthdate=ge1962&birthdate=lt1963", ["lin"]),
    ],
)
def test_patients_are_found_by_the_rules_of_each_kind(
    people: Store, asked: str, found: list[str]
) -> None:
    assert ids(people, f"Patient?{asked}") == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("date=2026-03-01", ["instant"]),
        ("date=2026-03", ["instant", "march"]),
        ("date=ge2026-03-31", ["open"]),
        ("date=ge2026-03-30", ["march", "open"]),
        ("date=ge2026-03", ["instant", "march", "open"]),
        ("date=gt2026-03", ["open"]),
        ("date=le2026-02", ["before"]),
        ("date=le2026-02-11", ["before", "open"]),
        ("date=lt2026-03", ["before", "open"]),
        ("date=sa2026-02", ["instant", "march"]),
        ("date=eb2026-03", ["before"]),
        ("date=2026-03-01T08:30:00+08:00", ["instant"]),
        ("date=2026-03-01T00:30:00Z", ["instant"]),
        ("date=2026-03-01T00:30Z", ["instant"]),
        ("date=2026-03-01T08:30:00 08:00", ["instant"]),
        ("date=gt2026-03-01T00:30:00Z", ["march", "open"]),
    ],
)
def test_periods_with_open_ends_and_zones_are_compared_by_the_book(
    store: Store, asked: str, found: list[str]
) -> None:
    store.commit(
        commit(
            indexed("Encounter", "march", period={"start": "2026-03-01", "end": "2026-03-31"}),
            indexed("Encounter", "before", period={"start": "2026-02-01", "end": "2026-02-03"}),
            indexed("Encounter", "open", period={"start": "2026-02-10"}),
            indexed(
                "Encounter",
                "instant",
                period={
                    "start": "2026-03-01T08:30:00+08:00",
                    "end": "2026-03-01T08:30:00+08:00",
                },
            ),
        )
    )
    assert ids(store, f"Encounter?{asked}") == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("value-quantity=100", ["a", "b", "c"]),
        ("value-quantity=100.0", ["a", "c"]),
        ("value-quantity=1e2", ["a", "b", "c"]),
        ("value-quantity=100|http://unitsofmeasure.org|g/L", ["a", "b"]),
        ("value-quantity=100||g/L", ["a", "b"]),
        ("value-quantity=lt100", ["b"]),
        ("value-quantity=ge99.5", ["a", "b", "c"]),
        ("value-quantity=gt99.5", ["a", "c"]),
        ("value-quantity=ne100.0", ["b"]),
        ("value-quantity=ap95||g/L", ["a", "b"]),
        ("code=http://loinc.org|718-7&value-quantity=gt99.9", ["a"]),
        ("code:text=检验 2345", ["c"]),
        ("code-value-quantity=http://loinc.org|718-7$gt99.9", ["a"]),
        ("component-code-value-quantity=8480-6$gt140", ["bp"]),
        ("component-code-value-quantity=8462-4$gt140", []),
        ("combo-code-value-quantity=8462-4$90", ["bp"]),
        ("subject=Patient/p1", ["a"]),
        ("subject=p1", ["a"]),
        ("subject:Patient=p1", ["a"]),
        ("subject=Group/p1", []),
        ("subject=http://else.example/fhir/Patient/p1", ["bp"]),
        ("subject:identifier=urn:x|9", ["c"]),
        ("subject:identifier=9", ["c"]),
        ("subject:Patient.family=林", ["a"]),
        ("subject.family=林,王", ["a", "b"]),
        ("patient.organization.name=青山", ["a"]),
        ("patient.organization:missing=true", ["b"]),
        ("code=718-7&patient._id=p2", ["b"]),
    ],
)
def test_observations_are_found_by_value_composite_and_chain(
    results: Store, asked: str, found: list[str]
) -> None:
    assert ids(results, f"Observation?{asked}") == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("combo-code=http://loinc.org|718-7", ["both", "plain"]),
        ("combo-code=http://loinc.org|8480-6", ["both"]),
        ("combo-code=718-7,8480-6&combo-value-quantity=gt140", ["both"]),
        ("combo-code:text=血红", ["plain"]),
        ("combo-code:not=718-7", ["none"]),
        ("combo-code:missing=true", ["none"]),
        ("combo-value-quantity=lt101", ["both", "plain"]),
        ("combo-code-value-quantity=718-7$100", ["both", "plain"]),
        ("combo-code-value-quantity=8480-6$150", ["both"]),
        ("combo-code-value-quantity=718-7$150", []),
        ("combo-code-value-quantity=8480-6$100", []),
        ("combo-code-value-quantity:missing=false", ["both", "plain"]),
        ("code-value-quantity=718-7$100", ["both", "plain"]),
        ("code-value-quantity=718-7$lt100", []),
        ("code-value-quantity=8480-6$150", []),
        ("code-value-quantity:missing=true", ["none"]),
        ("code-value-concept:missing=false", []),
    ],
)
def test_a_combined_parameter_finds_what_its_parts_find_and_mixes_no_elements(
    store: Store, asked: str, found: list[str]
) -> None:
    def measured(code: str, value: int, text: str | None = None) -> dict[str, Any]:
        coded = {"coding": [{"system": "http://loinc.org", "code": code}]}
        return {"code": coded | ({"text": text} if text else {}), "valueQuantity": {"value": value}}

    both = measured("718-7", 100) | {"component": [measured("8480-6", 150)]}
    store.commit(
        commit(
            indexed("Observation", "both", **both),
            indexed("Observation", "plain", **measured("718-7", 100, "血红蛋白")),
            indexed("Observation", "none", status="final"),
        )
    )
    assert ids(store, f"Observation?{asked}") == found


@pytest.mark.parametrize("order", ["combo-code", "-combo-value-quantity"])
def test_a_combined_parameter_sorts_by_its_parts(results: Store, order: str) -> None:
    found = [one.id for one in query(results, f"Observation?_sort={order}").matches]
    assert sorted(found) == ids(results, "Observation?")
    assert found[0 if order.startswith("-") else -1] == "bp"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("_has:Observation:patient:code=718-7", ["p1", "p2"]),
        ("_has:Observation:patient:value-quantity=gt99.9", ["p1"]),
        ("_has:Observation:patient:code=2345-7", []),
        ("_has:Observation:patient:patient.organization.name=青", ["p1"]),
        ("family=王&_has:Observation:patient:code=718-7", ["p2"]),
    ],
)
def test_reverse_chains_find_what_is_pointed_to(
    results: Store, asked: str, found: list[str]
) -> None:
    assert ids(results, f"Patient?{asked}") == found


def test_nested_reverse_chains_reach_over_two_references(results: Store) -> None:
    asked = "_has:Patient:organization:_has:Observation:patient:code=718-7"
    assert ids(results, f"Organization?{asked}") == ["county"]


@pytest.mark.parametrize(
    ("asked", "included"),
    [
        ("Observation?_id=a&_include=Observation:subject", ["Patient/p1"]),
        ("Observation?_id=a&_include=Observation:subject:Group", []),
        (
            "Observation?_id=a&_include=Observation:patient&_include:iterate=Patient:organization",
            ["Organization/county", "Patient/p1"],
        ),
        (
            "Observation?_id=a&_include=Observation:patient&_include=Patient:organization",
            ["Patient/p1"],
        ),
        ("Observation?_id=a&_include=*", ["Patient/p1"]),
        ("Patient?_revinclude=Observation:subject", ["Observation/a", "Observation/b"]),
        ("Patient?_id=p2&_revinclude=Observation:subject", ["Observation/b"]),
        ("Patient?_id=p2&_revinclude=*", ["Observation/b"]),
        ("Organization?_revinclude:iterate=*", ["Observation/a", "Patient/p1"]),
        (
            "Organization?_revinclude=Patient:organization&_revinclude:iterate=Observation:patient",
            ["Observation/a", "Patient/p1"],
        ),
        ("Patient?_id=p2&_include=Patient:organization", []),
    ],
)
def test_included_resources_are_added_once(results: Store, asked: str, included: list[str]) -> None:
    found = query(results, asked).included
    assert sorted(f"{one.type}/{one.id}" for one in found) == included


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("family", ["smith", "smithers", "lin", "wang"]),
        ("birthdate", ["lin", "smith", "wang", "smithers"]),
        ("-birthdate", ["smith", "wang", "lin", "smithers"]),
        ("gender,-family", ["lin", "smithers", "wang", "smith"]),
        ("_id", ["lin", "smith", "smithers", "wang"]),
        ("-_id", ["wang", "smithers", "smith", "lin"]),
    ],
)
def test_results_are_sorted_and_what_has_no_value_comes_last(
    people: Store, sort: str, order: list[str]
) -> None:
    assert [one.id for one in query(people, f"Patient?_sort={sort}").matches] == order
    paged, cursor = [], None
    while True:
        page = query(people, f"Patient?_sort={sort}&_count=1", cursor=cursor)
        paged += [one.id for one in page.matches]
        cursor = page.next
        if cursor is None:
            break
    assert paged == order


def test_totals_are_exact_or_not_told(people: Store) -> None:
    assert query(people, "Patient?_count=1").total == 4
    assert query(people, "Patient?_count=1&_total=none").total is None
    assert query(people, "Patient?gender=male&_summary=count").total == 2
    assert query(people, "Patient?gender=male&_count=0").total == 2


def test_an_update_leaves_no_old_value_to_be_found(people: Store) -> None:
    people.commit(commit(indexed("Patient", "lin", gender="male")))
    assert ids(people, "Patient?gender=female") == []
    assert ids(people, "Patient?name=林") == []
    people.commit(commit(change("Patient", "lin", is_deletion=True)))
    assert ids(people, "Patient?gender=male") == ["smithers", "wang"]
    assert ids(people, "Patient") == ["smith", "smithers", "wang"]


def test_last_updated_is_compared_by_the_millisecond(people: Store) -> None:
    (stored,) = people.commit(commit(indexed("Patient", "late", gender="other")))
    moment = stored.updated_utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert ids(people, f"Patient?_lastUpdated={moment}") == ["late"]
    assert ids(people, f"Patient?_lastUpdated=gt{moment}") == []
    assert ids(people, f"Patient?_lastUpdated=ge{moment}") == ["late"]
    assert len(ids(people, f"Patient?_lastUpdated=lt{moment}")) == 4


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("colour=red", "GW-7101"),
        ("name.family=x", "GW-7102"),
        ("birthdate=yesterday", "GW-7102"),
        ("birthdate=2026-01-01T10", "GW-7102"),
        ("gender=", "GW-7102"),
        ("gender:missing=maybe", "GW-7102"),
        ("gender:exact=male", "GW-7103"),
        ("gender:in=http://example.org/none", "GW-7103"),
        ("_count=-1", "GW-7102"),
        ("_has:Observation:code:code=1", "GW-7102"),
        ("_include=Nonsense:subject", "GW-7102"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(store: Store, asked: str, number: str) -> None:
    with pytest.raises(GatewayError) as refusal:
        query(store, f"Patient?{asked}")
    assert refusal.value.number == number
    assert refusal.value.http == 400
    assert asked.partition("=")[0] in refusal.value.text_en


def test_unknown_parameters_are_ignored_only_where_that_was_asked_for() -> None:
    def parse(name: str, mode: Mode | None) -> tuple[str, ...]:
        return parse_query(load(), ("Patient",), [(name, "1"), ("gender", "male")], mode).ignored

    assert parse("colour", "lenient") == ("colour",)
    assert parse("_colour", None) == ("_colour",)
    with pytest.raises(GatewayError, match="GW-7101"):
        parse("colour", None)
    with pytest.raises(GatewayError, match="GW-7101"):
        parse("_colour", "strict")


def test_reactions_find_by_parameter_and_read_the_person(people: Store) -> None:
    people.commit(commit(indexed("Patient", "own", person="hash", gender="other")))
    reading = people.reading(SHARD)
    assert [one["id"] for one in reading.find("Patient", gender="female")] == ["lin"]
    assert reading.person_of("Patient", "own") == "hash"
    assert reading.owner_of("Patient", "own") == "qs-township"
    assert reading.read("Patient", "nobody") is None


def test_invisible_resources_are_no_step_of_a_chain(results: Store) -> None:
    stranger = Visibility(SHARD, "lj-city", classes=8)
    shown = indexed(
        "Observation",
        "seen",
        code=codings(("http://loinc.org", "1")),
        subject={"reference": "Patient/p1"},
        classes=8,
        event_utc=NOW,
    )
    results.commit(commit(shown))

    def find(asked: str) -> list[str]:
        name, _, value = asked.partition("=")
        parsed = parse_query(load(), ("Observation",), [(name, value)])
        return [one.id for one in results.search(stranger, parsed).matches]

    assert find("subject=Patient/p1") == ["seen"]
    assert find("subject:Patient.family=林") == []
