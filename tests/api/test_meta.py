"""$meta, $meta-add, $meta-delete."""

from typing import Any

import pytest

from tests.support.asserts import outcome
from tests.support.consortium import Browser
from tests.support.resources import patient

TAG = {"system": "urn:t", "code": "checked"}


def given(**meta: Any) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


@pytest.fixture
def path(county: Browser) -> str:
    return f"/Patient/{county.post('/Patient', patient()).get_json()['id']}"


def test_labels_are_added_once_and_removed(county: Browser, path: str) -> None:
    profile = "http://hl7.org/fhir/StructureDefinition/Patient"
    added = county.post(f"{path}/$meta-add", given(tag=[TAG], profile=[profile])).get_json()
    [parameter] = added["parameter"]
    assert parameter["name"] == "return"
    assert parameter["valueMeta"]["tag"] == [TAG]
    assert parameter["valueMeta"]["versionId"] == "2"
    again = county.post(f"{path}/$meta-add", given(tag=[TAG | {"display": "x"}])).get_json()
    assert again["parameter"][0]["valueMeta"]["versionId"] == "2"
    assert county.get(f"{path}/$meta").get_json()["parameter"][0]["valueMeta"]["tag"] == [TAG]
    gone = county.post(f"{path}/$meta-delete", given(tag=[TAG])).get_json()
    assert "tag" not in gone["parameter"][0]["valueMeta"]
    assert gone["parameter"][0]["valueMeta"]["profile"] == [profile]
    assert "gender" in county.get(path).get_json()


def test_labels_of_what_is_not_seen_are_not_told(county: Browser, city: Browser, path: str) -> None:
    for method, word, body in (
        ("GET", "$meta", None),
        ("POST", "$meta-add", given(tag=[TAG])),
        ("POST", "$meta-delete", given(tag=[TAG])),
    ):
        absent = city.ask(method, f"/Patient/nobody/{word}", body)
        outcome(absent, 404, "GW-7002")
        assert city.ask(method, f"{path}/{word}", body).get_data() == absent.get_data()
    assert county.get(path).headers["ETag"] == 'W/"1"'


def test_a_body_without_meta_is_refused(county: Browser, path: str) -> None:
    outcome(county.post(f"{path}/$meta-add", patient()), 400, "GW-7013")
    wrong = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": 7}]}
    outcome(county.post(f"{path}/$meta-add", wrong), 400, "GW-7020")
    outcome(county.post(f"{path}/$meta-add", given(tag="x")), 400, "GW-7020")
