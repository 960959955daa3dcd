"""$validate and $document."""

from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium
from tests.support.resources import observation, patient


def test_validate_tells_findings_with_200_and_stores_nothing(county: Browser) -> None:
    answer = county.post("/Patient/$validate", patient(id="never", gender="perhaps"))
    assert answer.status_code == 200
    expressions = [e for i in answer.get_json()["issue"] for e in i.get("expression", ())]
    assert "Patient.gender" in expressions
    assert county.get("/Patient/never").status_code == 404


def test_validate_takes_parameters_too(county: Browser) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "resource", "resource": patient(birthDate="1962-99")}],
    }
    answer = county.post("/Patient/$validate", body)
    assert "Patient.birthDate" in answer.get_data(as_text=True)
    outcome(
        county.post("/$validate", {"resourceType": "Parameters"}), 400, "GW-7007",
        "Parameters.parameter",
    )  # fmt: skip


def test_a_stored_version_is_validated_by_its_id(county: Browser) -> None:
    id_ = county.post("/Patient", patient()).get_json()["id"]
    answer = county.ask("POST", f"/Patient/{id_}/$validate")
    assert answer.status_code == 200
    assert answer.get_json()["resourceType"] == "OperationOutcome"
    outcome(county.ask("POST", "/Patient/nobody/$validate"), 404, "GW-7002")


def test_a_document_holds_what_the_composition_leads_to(
    county: Browser, city: Browser, consortium: Consortium
) -> None:
    subject = f"Patient/{county.post('/Patient', patient()).get_json()['id']}"
    lab = f"Observation/{county.post('/Observation', observation(subject)).get_json()['id']}"
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "57133-1"}]},
        "subject": {"reference": subject},
        "date": "2026-03-02",
        "author": [{"display": "青山镇卫生院"}],
        "title": "转诊摘要",
        "section": [{"title": "检验", "entry": [{"reference": lab}]}],
    }
    made = county.post("/Composition", composition)
    assert made.status_code == 201, made.get_data(as_text=True)
    path = f"/Composition/{made.get_json()['id']}/$document"
    bundle = county.get(path).get_json()
    assert bundle["type"] == "document"
    kinds = [one["resource"]["resourceType"] for one in bundle["entry"]]
    assert kinds[0] == "Composition"
    assert sorted(kinds[1:]) == ["Observation", "Patient"]
    errors = [i for i in consortium.runtime.validator.check(bundle) if i.severity == "error"]
    assert errors == []
    outcome(city.get(path), 404, "GW-7002")
