"""create: POST [base]/[type]."""

from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium
from tests.support.resources import observation, patient


def test_a_new_resource_gets_an_id_a_version_and_a_location(county: Browser) -> None:
    made = county.post("/Patient", patient())
    assert made.status_code == 201
    body = made.get_json()
    assert body["meta"]["versionId"] == "1"
    assert made.headers["ETag"] == 'W/"1"'
    assert made.headers["Location"].endswith(f"/fhir/Patient/{body['id']}/_history/1")
    assert county.get(f"/Patient/{body['id']}").get_json() == body


def test_the_id_of_the_body_is_not_taken_over(county: Browser) -> None:
    made = county.post("/Patient", patient(id="mine"))
    assert made.get_json()["id"] != "mine"


def test_decimals_and_partial_dates_come_back_as_they_were_sent(county: Browser) -> None:
    subject = f"Patient/{county.post('/Patient', patient()).get_json()['id']}"
    raw = (
        '{"resourceType":"Observation","status":"final","code":{"text":"血红蛋白"},'
        f'"subject":{{"reference":"{subject}"}},"effectiveDateTime":"2026-03",'
        '"valueQuantity":{"value":72.50,"unit":"g/L"}}'
    )
    headers = {"Content-Type": "application/fhir+json"}
    made = county.ask("POST", "/Observation", data=raw.encode(), headers=headers)
    assert made.status_code == 201, made.get_data(as_text=True)
    read = county.get(f"/Observation/{made.get_json()['id']}").get_data(as_text=True)
    assert '"value":72.50' in read
    assert '"effectiveDateTime":"2026-03"' in read


def test_an_invalid_resource_is_refused_with_the_element(county: Browser) -> None:
    refused = county.post("/Patient", patient(gender="weiblich"))
    assert refused.status_code == 422
    expressions = [
        expression
        for issue in refused.get_json()["issue"]
        for expression in issue.get("expression", ())
    ]
    assert "Patient.gender" in expressions


def test_a_body_of_another_type_is_refused(county: Browser) -> None:
    outcome(county.post("/Observation", patient()), 400, "GW-7013", "Observation")


def test_an_unknown_type_is_refused_by_name(county: Browser) -> None:
    outcome(county.post("/Patiant", patient(resourceType="Patiant")), 404, "GW-7001")


def test_if_none_exist_creates_once(county: Browser) -> None:
    numbered = patient(identifier=[{"system": "urn:x", "value": "once-1"}])
    first = county.post("/Patient", numbered, If_None_Exist="identifier=urn:x|once-1")
    second = county.post("/Patient", numbered, If_None_Exist="identifier=urn:x|once-1")
    outcome(county.post("/Patient", numbered, If_None_Exist=""), 412, "GW-7043")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.get_json()["id"] == second.get_json()["id"]


def test_prefer_decides_what_comes_back(county: Browser) -> None:
    minimal = county.post("/Patient", patient(), Prefer="return=minimal")
    assert (minimal.status_code, minimal.get_data()) == (201, b"")
    assert minimal.headers["Location"]
    told = county.post("/Patient", patient(), Prefer="return=OperationOutcome").get_json()
    assert told["resourceType"] == "OperationOutcome"


def test_a_read_scope_does_not_create(consortium: Consortium) -> None:
    reader = consortium.client("qs-county", "system/*.rs")
    outcome(reader.post("/Patient", patient()), 403, "GW-8003")


def test_a_reference_to_an_absent_patient_is_kept_as_it_was_sent(county: Browser) -> None:
    made = county.post("/Observation", observation("Patient/elsewhere"))
    assert made.status_code == 201, made.get_data(as_text=True)
    assert made.get_json()["subject"] == {"reference": "Patient/elsewhere"}


def test_a_reference_that_writes_our_own_address_out_means_what_stands_here(
    county: Browser,
) -> None:
    subject = county.post("/Patient", patient()).headers["Location"].partition("/_history")[0]
    here = f"Patient/{subject.rpartition('/')[2]}"
    elsewhere = f"https://elsewhere.example/fhir/{here}"
    made = county.post(
        "/Observation", observation(subject, performer=[{"reference": elsewhere}])
    ).get_json()
    assert made["subject"]["reference"] == here
    assert made["performer"][0]["reference"] == elsewhere
    found = county.get(f"/Observation?subject={here}&_include=Observation:subject").get_json()
    assert [one["search"]["mode"] for one in found["entry"]] == ["match", "include"]
