"""One commit: versions, expectations, business keys."""

from decimal import Decimal

import pytest

from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.records import BusinessKey, Commit
from gateway.store import Store
from tests.unit.store.samples import ALL, NOW, SHARD, change, commit


def test_what_was_committed_is_read_back_with_its_version_and_time(store: Store) -> None:
    (stored,) = store.commit(
        commit(change("Patient", "p1", gender="female", event_utc=NOW, person="abc"))
    )
    found = store.read(ALL, "Patient", "p1")
    assert found is not None
    assert found == stored
    assert (found.version, found.event_utc, found.person) == (1, NOW, "abc")
    resource = codec.decode(found.body)
    assert resource["gender"] == "female"
    assert resource["meta"]["versionId"] == "1"
    assert resource["meta"]["lastUpdated"].startswith(f"{found.updated_utc:%Y-%m-%dT%H:%M:%S.}")


def test_decimals_primitive_extensions_and_rare_characters_stay_as_they_were(store: Store) -> None:
    content = {
        "valueQuantity": {"value": Decimal("72.50")},
        "_status": {"extension": [{"url": "http://example.org/x", "valueString": "𠮷😀"}]},
        "meta": {"profile": ["http://example.org/p"], "versionId": "99"},
    }
    store.commit(commit(change("Observation", "o1", **content)))
    found = store.read(ALL, "Observation", "o1")
    assert found is not None
    assert b"72.50" in found.body
    resource = codec.decode(found.body)
    assert resource["_status"] == content["_status"]
    assert resource["meta"]["profile"] == ["http://example.org/p"]
    assert resource["meta"]["versionId"] == "1"


def test_each_write_of_a_resource_is_a_new_version_and_older_ones_stay(store: Store) -> None:
    for count in (1, 2, 3):
        store.commit(commit(change("Patient", "p1", count=count)))
    numbers = [codec.decode(v.body)["count"] for v in store.history(ALL, id_="p1").matches]
    assert numbers == [3, 2, 1]
    second = store.vread(ALL, "Patient", "p1", 2)
    assert second is not None
    assert codec.decode(second.body)["count"] == 2
    assert store.vread(ALL, "Patient", "p1", 4) is None


def test_results_come_in_the_order_of_the_changes(store: Store) -> None:
    ids = ["c", "a", "b"]
    stored = store.commit(commit(*(change("Patient", id_) for id_ in ids)))
    assert [one.id for one in stored] == ids


@pytest.mark.parametrize(
    ("expected", "is_written"), [(None, True), (0, False), (1, True), (2, False)]
)
def test_an_expected_version_guards_the_write(
    store: Store, expected: int | None, is_written: bool
) -> None:
    store.commit(commit(change("Patient", "p1")))
    again = commit(change("Patient", "p1", expected_version=expected), change("Patient", "p2"))
    if is_written:
        assert store.commit(again)[0].version == 2
        return
    with pytest.raises(GatewayError) as refusal:
        store.commit(again)
    assert refusal.value.number == "GW-5001"
    assert store.read(ALL, "Patient", "p2") is None


def test_a_deletion_is_a_version_and_the_resource_can_come_back(store: Store) -> None:
    store.commit(commit(change("Patient", "p1")))
    (deleted,) = store.commit(commit(change("Patient", "p1", is_deletion=True)))
    assert (deleted.version, deleted.is_deleted) == (2, True)
    (again,) = store.commit(commit(change("Patient", "p1", is_deletion=True)))
    assert not again.is_changed
    (revived,) = store.commit(commit(change("Patient", "p1", expected_version=0)))
    assert (revived.version, revived.is_created, revived.is_deleted) == (3, True, False)


def test_a_business_key_names_one_resource_only(store: Store) -> None:
    key = BusinessKey("Patient", "urn:oid:2.16.156.10011.1.3", "k1")
    store.commit(commit(change("Patient", "p1", keys=(key,))))
    assert store.identify(SHARD, "qs-township", [key]) == {key: "p1"}
    assert store.identify(SHARD, "qs-county", [key]) == {}
    store.commit(commit(change("Patient", "p1", keys=(key,))))
    with pytest.raises(GatewayError) as refusal:
        store.commit(commit(change("Patient", "p2", keys=(key,))))
    assert refusal.value.number == "GW-5002"
    assert store.read(ALL, "Patient", "p2") is None


def test_the_same_key_of_another_member_is_another_resource(store: Store) -> None:
    key = BusinessKey("Patient", "urn:x", "7")
    shared = BusinessKey("Organization", "urn:y", "7", is_shared=True)
    store.commit(commit(change("Patient", "p1", keys=(key,))))
    store.commit(commit(change("Patient", "p2", keys=(key,), owner="qs-county")))
    store.commit(commit(change("Organization", "o1", keys=(shared,))))
    assert store.identify(SHARD, "qs-county", [key, shared]) == {key: "p2", shared: "o1"}


def test_two_changes_of_one_resource_are_refused_by_name(store: Store) -> None:
    with pytest.raises(GatewayError, match="Patient/p1") as refusal:
        store.commit(commit(change("Patient", "p1"), change("Patient", "p1")))
    assert refusal.value.number == "GW-5005"


def test_another_shard_is_another_world(store: Store) -> None:
    store.commit(commit(change("Patient", "p1")))
    store.commit(Commit(2, (change("Patient", "p1", gender="male"),)))
    found = store.read(ALL, "Patient", "p1")
    assert found is not None
    assert b"male" not in found.body


def test_more_changes_than_one_statement_can_bind_are_one_commit(store: Store) -> None:
    stored = store.commit(commit(*(change("Patient", f"p{n}") for n in range(2500))))
    assert len({one.updated_utc for one in stored}) >= 1
    assert len(store.history(ALL, type_="Patient", count=3000).matches) == 2500
