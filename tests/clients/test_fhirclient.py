"""fhirclient (SMART Health IT): typed models, strict about what it reads."""

from typing import Any
from uuid import uuid4

import pytest
import requests
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle, BundleEntry, BundleEntryRequest
from fhirclient.models.codeableconcept import CodeableConcept
from fhirclient.models.coding import Coding
from fhirclient.models.condition import Condition
from fhirclient.models.fhirdate import FHIRDate
from fhirclient.models.fhirreference import FHIRReference
from fhirclient.models.humanname import HumanName
from fhirclient.models.identifier import Identifier
from fhirclient.models.observation import Observation
from fhirclient.models.operationoutcome import OperationOutcome
from fhirclient.models.patient import Patient
from fhirclient.models.quantity import Quantity
from fhirclient.server import FHIRNotFoundException, FHIRUnauthorizedException

from tests.support.live import Live

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def smart(live_on_each: Live) -> Any:
    client = FHIRClient(settings={"app_id": "tests", "api_base": live_on_each.fhir})
    client.server.session.headers["Authorization"] = live_on_each.authorization
    assert client.prepare()
    yield client
    client.server.session.close()


def person(family: str, number: str = "") -> Any:
    made = Patient()
    made.name = [HumanName({"family": family, "given": ["桂芳"]})]
    made.birthDate = FHIRDate("1962-05-14")
    if number:
        made.identifier = [Identifier({"system": "urn:clients", "value": number})]
    return made


def haemoglobin(subject: str, value: float) -> Any:
    made = Observation()
    made.status = "final"
    made.code = CodeableConcept({"coding": [{"system": "http://loinc.org", "code": "718-7"}]})
    made.subject = FHIRReference({"reference": subject})
    made.valueQuantity = Quantity({"value": value, "unit": "g/L"})
    return made


def test_the_capability_statement_is_read_strictly(smart: Any) -> None:
    statement = smart.server.capabilityStatement
    assert statement.fhirVersion == "4.0.1"
    assert len(statement.rest[0].resource) > 140


def test_a_resource_is_created_read_updated_and_deleted(smart: Any) -> None:
    made = person("林")
    id_ = made.create(smart.server)["id"]
    read = Patient.read(id_, smart.server)
    assert read.name[0].family == "林"
    assert read.birthDate.isostring == "1962-05-14"
    read.gender = "female"
    changed = read.update(smart.server)
    assert changed["meta"]["versionId"] == "2"
    assert Patient.read(id_, smart.server).gender == "female"
    read.delete()
    with pytest.raises(requests.HTTPError) as caught:
        Patient.read(id_, smart.server)
    assert caught.value.response.status_code == 410


def test_a_search_is_followed_page_by_page(smart: Any) -> None:
    subject = f"Patient/{person('页').create(smart.server)['id']}"
    for value in range(7):
        haemoglobin(subject, 100 + value).create(smart.server)
    search = Observation.where({"subject": subject, "_count": "3", "_sort": "_id"})
    pages = list(search.perform_iter(smart.server))
    assert [len(page.entry) for page in pages] == [3, 3, 1]
    values = {one.valueQuantity.value for one in search.perform_resources_iter(smart.server)}
    assert values == {100 + value for value in range(7)}


def test_a_search_brings_what_it_includes(smart: Any) -> None:
    number = uuid4().hex
    id_ = person("含", number).create(smart.server)["id"]
    haemoglobin(f"Patient/{id_}", 118).create(smart.server)
    search = Observation.where({"subject.identifier": f"urn:clients|{number}"})
    bundle = search.include("subject").perform(smart.server)
    assert [one.search.mode for one in bundle.entry] == ["match", "include"]
    assert bundle.entry[1].resource.id == id_
    either = Patient.where({"identifier": {"$or": [f"urn:clients|{number}", "urn:clients|-"]}})
    assert [one.id for one in either.perform_resources(smart.server)] == [id_]


def test_a_transaction_links_its_entries(smart: Any) -> None:
    name = f"urn:uuid:{uuid4()}"
    sick = Condition()
    sick.subject = FHIRReference({"reference": name})
    sick.code = CodeableConcept()
    sick.code.coding = [Coding({"system": "http://hl7.org/fhir/sid/icd-10", "code": "J18.9"})]
    bundle = Bundle()
    bundle.type = "transaction"
    bundle.entry = [_entry("Condition", sick), _entry("Patient", person("事"), name)]
    answer = Bundle(smart.server.post_json("", bundle.as_json()).json())
    assert answer.type == "transaction-response"
    assert [one.response.status[:3] for one in answer.entry] == ["201", "201"]
    made = answer.entry[0].resource
    assert made.subject.reference == f"Patient/{answer.entry[1].resource.id}"


def _entry(type_: str, resource: Any, full_url: str | None = None) -> Any:
    entry = BundleEntry()
    entry.fullUrl = full_url
    entry.resource = resource
    entry.request = BundleEntryRequest({"method": "POST", "url": type_})
    return entry


def test_an_operation_answers_in_its_models(smart: Any) -> None:
    id_ = person("全").create(smart.server)["id"]
    haemoglobin(f"Patient/{id_}", 121).create(smart.server)
    found = Bundle(smart.server.request_json(f"Patient/{id_}/$everything"))
    assert {one.resource.resource_type for one in found.entry} == {"Patient", "Observation"}


def test_refusals_are_the_exceptions_that_it_knows(smart: Any, live_on_each: Live) -> None:
    with pytest.raises(FHIRNotFoundException) as missing:
        Patient.read("nobody", smart.server)
    assert OperationOutcome(missing.value.response.json()).issue[0].code == "not-found"
    wrong = haemoglobin("Patient/x", 1).as_json() | {"status": "perhaps"}
    with pytest.raises(requests.HTTPError) as caught:
        smart.server.post_json("Observation", wrong)
    assert caught.value.response.status_code == 422
    [where] = OperationOutcome(caught.value.response.json()).issue[0].expression
    assert where == "Observation.status"
    stranger = FHIRClient(settings={"app_id": "tests", "api_base": live_on_each.fhir})
    stranger.prepare()
    with pytest.raises(FHIRUnauthorizedException):
        Patient.read("nobody", stranger.server)
    stranger.server.session.close()
