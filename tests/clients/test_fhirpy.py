"""fhirpy (Beda Software): the synchronous and the asynchronous client."""

import asyncio
from uuid import uuid4

import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

from tests.support.live import Live
from tests.support.resources import observation, patient


@pytest.fixture
def client(live_on_each: Live) -> SyncFHIRClient:
    return SyncFHIRClient(live_on_each.fhir, authorization=live_on_each.authorization)


def person(client: SyncFHIRClient, number: str = "") -> SyncFHIRClient:
    identified = {"identifier": [{"system": "urn:fhirpy", "value": number or uuid4().hex}]}
    made = client.resource(**{"resource_type": "Patient", **patient(**identified)})
    made.save()
    return made


def test_a_resource_is_saved_changed_partly_and_deleted(client: SyncFHIRClient) -> None:
    made = person(client)
    made["gender"] = "male"
    made.save()
    assert made["meta"]["versionId"] == "2"
    made["active"] = True
    made.save(fields=["active"])
    read = client.reference("Patient", made.id).to_resource()
    assert (read["gender"], read["active"], read["meta"]["versionId"]) == ("male", True, "3")
    made.patch(birthDate="1963")
    assert client.get("Patient", made.id)["birthDate"] == "1963"
    made.delete()
    with pytest.raises(ResourceNotFound):
        client.get("Patient", made.id)


def test_searches_filter_sort_count_and_page(client: SyncFHIRClient) -> None:
    subject = f"Patient/{person(client).id}"
    for value in (3, 1, 2):
        lab = observation(subject, valueQuantity={"value": value}, effectiveDateTime=f"202{value}")
        client.resource("Observation", **lab).save()
    found = client.resources("Observation").search(subject=subject)
    assert found.count() == 3
    listed = found.sort("-date").limit(2).fetch_all()
    assert [one["valueQuantity"]["value"] for one in listed] == [3, 2, 1]
    assert len(found.limit(2).fetch()) == 2
    later = found.search(date__ge="2022").sort("date").fetch()
    assert [one["valueQuantity"]["value"] for one in later] == [2, 3]
    assert found.search(date__lt="2022").first()["valueQuantity"]["value"] == 1
    with pytest.raises(MultipleResourcesFound):
        found.get()


def test_includes_chains_and_reverse_chains(client: SyncFHIRClient) -> None:
    number = uuid4().hex
    made = person(client, number)
    client.resource("Observation", **observation(f"Patient/{made.id}")).save()
    chained = client.resources("Observation").search(
        patient__Patient__identifier=f"urn:fhirpy|{number}"
    )
    assert len(chained.fetch()) == 1
    having = client.resources("Patient").has("Observation", "patient", code="718-7")
    assert made.id in {one.id for one in having.fetch_all()}
    raw = chained.include("Observation", "subject").fetch_raw()
    assert {one.resource["resourceType"] for one in raw.entry} == {"Observation", "Patient"}
    back = client.resources("Patient").search(_id=made.id).revinclude("Observation", "patient")
    assert {one.resource["resourceType"] for one in back.fetch_raw().entry} == {
        "Patient",
        "Observation",
    }


def test_conditional_interactions_tell_whether_something_was_made(client: SyncFHIRClient) -> None:
    number = uuid4().hex
    searched = client.resources("Patient").search(identifier=f"urn:fhirpy|{number}")
    content = patient(identifier=[{"system": "urn:fhirpy", "value": number}])
    first, is_new = searched.get_or_create(client.resource("Patient", **content))
    again, is_new_again = searched.get_or_create(client.resource("Patient", **content))
    assert (is_new, is_new_again, again.id) == (True, False, first.id)
    changed, _ = searched.update(client.resource("Patient", **content, active=True))
    assert (changed.id, changed["active"]) == (first.id, True)
    assert searched.patch(active=False)["active"] is False
    searched.delete()
    assert searched.fetch() == []


def test_operations_and_validation(client: SyncFHIRClient) -> None:
    made = person(client)
    everything = made.execute("$everything", method="get")
    assert everything["entry"][0]["resource"]["id"] == made.id
    assert client.resource("Patient", **patient()).is_valid()
    wrong = client.resource("Patient", **patient(gender="perhaps"))
    assert not wrong.is_valid()
    with pytest.raises(OperationOutcome):
        wrong.save()


def test_the_asynchronous_client_writes_at_once_and_pages(live: Live) -> None:
    async def work() -> set[str]:
        client = AsyncFHIRClient(live.fhir, authorization=live.authorization)
        family = f"并{uuid4().hex[:6]}"
        people = [
            client.resource("Patient", **patient(name=[{"family": family}])) for _ in range(8)
        ]
        await asyncio.gather(*(one.save() for one in people))
        found = client.resources("Patient").search(family=family).limit(3)
        listed = {one.id async for one in found}
        assert listed == {one.id for one in people}
        assert await found.count() == 8
        await asyncio.gather(*(one.delete() for one in people))
        return {one.id for one in await found.fetch_all()}

    assert asyncio.run(work()) == set()
