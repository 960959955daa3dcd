"""Who sees a version: owner, class, party, relation; absent and invisible answer alike."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.fhir.definitions import load
from gateway.fhir.search_query import parse_query
from gateway.records import Relation, Visibility
from gateway.store import Store
from tests.unit.store.samples import ALL, SHARD, change, commit

CITY = Visibility(SHARD, "lj-city", classes=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
RELATION = Relation("person", "lj-city", "qs-township", 2, "ServiceRequest/r1", LONG_AGO)


def _sees(store: Store, visibility: Visibility) -> bool:
    by_id = store.read(visibility, "Patient", "p1") is not None
    by_number = store.vread(visibility, "Patient", "p1", 1) is not None
    by_history = bool(store.history(visibility, type_="Patient").matches)
    by_search = bool(store.search(visibility, parse_query(load(), ("Patient",), [])).matches)
    assert by_id == by_number == by_history == by_search
    return by_id


@pytest.mark.parametrize(
    ("owner", "classes", "parties", "is_seen"),
    [
        ("qs-township", 2, (), False),
        ("lj-city", 2, (), True),
        ("qs-township", 3, (), True),
        ("qs-township", 2, ("qs-county", "lj-city"), True),
        ("qs-township", 2, ("qs-county",), False),
    ],
)
def test_owner_class_and_party_open_a_version(
    store: Store, owner: str, classes: int, parties: tuple[str, ...], is_seen: bool
) -> None:
    store.commit(commit(change("Patient", "p1", owner=owner, classes=classes, parties=parties)))
    assert _sees(store, CITY) == is_seen
    assert _sees(store, ALL)


@pytest.mark.parametrize(
    ("relation", "is_seen"),
    [
        (RELATION, True),
        (replace(RELATION, owner=None), True),
        (replace(RELATION, owner="qs-county"), False),
        (replace(RELATION, person="another"), False),
        (replace(RELATION, member="qs-county"), False),
        (replace(RELATION, classes=4), False),
        (replace(RELATION, classes=6), True),
        (replace(RELATION, until_utc=LONG_AGO + timedelta(days=1)), False),
        (replace(RELATION, since_utc=datetime(2080, 1, 1, tzinfo=UTC)), False),
    ],
)
def test_a_live_relation_to_the_person_opens_its_versions(
    store: Store, relation: Relation, is_seen: bool
) -> None:
    store.commit(commit(change("Patient", "p1", person="person"), relations=(relation,)))
    assert _sees(store, CITY) == is_seen


def test_an_ended_relation_closes_and_a_new_one_opens_again(store: Store) -> None:
    store.commit(commit(change("Patient", "p1", person="person"), relations=(RELATION,)))
    store.commit(commit(ended_relations=("ServiceRequest/r1",)))
    assert not _sees(store, CITY)
    store.commit(commit(relations=(RELATION,)))
    assert _sees(store, CITY)


def test_types_that_a_scope_leaves_out_are_as_if_absent(store: Store) -> None:
    store.commit(commit(change("Patient", "p1", owner="lj-city")))
    assert not _sees(store, replace(CITY, types=frozenset({"Observation"})))
    assert _sees(store, replace(CITY, types=frozenset({"Patient"})))
