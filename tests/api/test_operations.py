"""$validate, $document and $convert; what all tenants share, read like the rest."""

from dataclasses import replace
from typing import Any

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


def _numbers(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [one["details"]["coding"][0]["code"] for one in answer.get_json()["issue"]]


def test_parameters_of_another_operation_are_themselves_validated(county: Browser) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "code", "valueCode": " x"}]}
    assert _numbers(county.post("/Parameters/$validate", body)) == ["GW-4007"]


def test_a_type_that_r4_has_not_is_a_finding_of_the_body(county: Browser) -> None:
    assert _numbers(county.post("/$validate", {"resourceType": "Patent"})) == ["GW-4009"]
    outcome(county.post("/Patent/$validate", {"resourceType": "Patent"}), 404, "GW-7001")


def test_a_parameter_outside_a_list_is_read_as_it_stands(county: Browser) -> None:
    resource = {"name": "resource", "resource": patient(gender="perhaps")}
    body = {"resourceType": "Parameters", "parameter": resource}
    assert _numbers(county.post("/$validate", body)) == ["GW-4101"]


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


def validated(browser: Browser, path: str, mode: str, resource: Any = None) -> list[str]:
    listed = [{"name": "mode", "valueCode": mode}]
    if resource is not None:
        listed.append({"name": "resource", "resource": resource})
    answer = browser.post(path, {"resourceType": "Parameters", "parameter": listed})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    issues = answer.get_json()["issue"]
    return [
        one["details"]["coding"][0]["code"]
        for one in issues
        if one["severity"] in {"error", "fatal"}
    ]


def test_a_mode_says_whether_a_write_would_be_taken(
    consortium: Consortium, county: Browser, city: Browser
) -> None:
    made = county.post("/Organization", {"resourceType": "Organization", "name": "x"}).get_json()
    path = f"/Organization/{made['id']}/$validate"
    assert validated(county, "/Patient/$validate", "create", patient()) == []
    assert validated(county, path, "update", made | {"name": "y"}) == []
    assert validated(county, path, "delete") == []
    assert validated(city, path, "update", made | {"name": "y"}) == ["GW-8005"]
    assert validated(city, path, "delete") == ["GW-8005"]
    reader = consortium.client("qs-county", "system/*.rs")
    assert validated(reader, "/Patient/$validate", "create", patient()) == ["GW-8003"]
    outcome(county.post("/Patient/$validate?mode=update", patient(id="x")), 400, "GW-7020")
    outcome(county.post("/Patient/$validate?mode=wrong", patient()), 400, "GW-7020")
    outcome(county.post("/Patient/$validate?mode=profile", patient()), 400, "GW-7020")
    assert county.get(f"/Organization/{made['id']}").headers["ETag"] == 'W/"1"'


def test_a_profile_is_asked_for_in_the_address_or_in_the_body(county: Browser) -> None:
    url = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
    finding = observation("Patient/x")
    asked = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "resource", "resource": finding},
            {"name": "profile", "valueUri": url},
            {"name": "mode", "valueCode": "profile"},
        ],
    }
    by_body = county.post("/Observation/$validate", asked).get_json()["issue"]
    by_address = county.post(f"/Observation/$validate?profile={url}", finding).get_json()["issue"]
    texts = [sorted(one["details"]["text"] for one in part) for part in (by_body, by_address)]
    assert texts[0] == texts[1]
    assert any(one["severity"] == "error" for one in by_body)
    id_ = county.post("/Observation", finding).get_json()["id"]
    by_get = county.get(f"/Observation/{id_}/$validate?profile={url}").get_json()["issue"]
    assert any(one["severity"] == "error" for one in by_get)


def test_a_document_is_named_by_id_and_stored_when_asked(county: Browser) -> None:
    subject = f"Patient/{county.post('/Patient', patient()).get_json()['id']}"
    made = county.post(
        "/Composition",
        {
            "resourceType": "Composition",
            "identifier": {"system": "urn:test:document", "value": "1"},
            "status": "final",
            "type": {"text": "转诊记录"},
            "subject": {"reference": subject},
            "date": "2026-11-02T10:00:00+08:00",
            "author": [{"display": "青山镇卫生院"}],
            "title": "转诊记录",
        },
    )
    assert made.status_code == 201, made.get_data(as_text=True)
    id_ = made.get_json()["id"]
    by_id = county.get(f"/Composition/{id_}/$document").get_json()
    by_name = county.get(f"/Composition/$document?id={id_}").get_json()
    assert [one["fullUrl"] for one in by_id["entry"]] == [
        one["fullUrl"] for one in by_name["entry"]
    ]
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "persist", "valueBoolean": True}],
    }
    kept = county.post(f"/Composition/{id_}/$document", body)
    assert kept.status_code == 200, kept.get_data(as_text=True)
    stored = county.get(kept.headers["Location"].partition("/fhir")[2].partition("/_history")[0])
    assert stored.get_json()["type"] == "document"
    assert stored.get_json()["identifier"]["value"] == "1"
    outcome(county.get(f"/Composition/{id_}/$document?graph=urn:x"), 400, "GW-7206")
    outcome(county.get("/Composition/$document"), 400, "GW-7020")
    outcome(county.get("/Composition/$document?id=nobody"), 404, "GW-7002")


def test_convert_takes_its_input_from_parameters_too(county: Browser) -> None:
    inner = patient()
    wrapped = {"resourceType": "Parameters", "parameter": [{"name": "input", "resource": inner}]}
    assert county.post("/$convert", wrapped).get_json() == inner
    other = {"resourceType": "Parameters", "parameter": [{"name": "x", "valueCode": "y"}]}
    assert county.post("/$convert", other).get_json() == other


def test_what_all_share_has_one_version_and_a_history_of_it(county: Browser) -> None:
    for path in ("/StructureDefinition/Patient", "/CodeSystem/administrative-gender"):
        whole = county.get(path)
        assert county.get(f"{path}/_history/1").get_json() == whole.get_json()
        outcome(county.get(f"{path}/_history/2"), 404, "GW-7004")
        history = county.get(f"{path}/_history").get_json()
        assert history["type"] == "history"
        [only] = history["entry"]
        assert only["resource"] == whole.get_json()
        since = county.get(f"{path}/_history?_since=2100-01-01T00:00:00Z").get_json()
        assert "entry" not in since
    outcome(county.get("/StructureDefinition/nothing/_history"), 404, "GW-7002")


def test_all_that_match_are_deleted_only_where_the_setting_says_so(
    consortium: Consortium, county: Browser
) -> None:
    card = {"system": "urn:test:many", "value": "1"}
    for _ in range(3):
        county.post("/Patient", patient(identifier=[card]))
    path = "/Patient?identifier=urn:test:many|1"
    outcome(county.ask("DELETE", path), 412, "GW-7041")
    settings = replace(consortium.runtime.settings, delete_multiple=True)
    many = Consortium(replace(consortium.runtime, settings=settings)).client("qs-county")
    outcome(many.ask("DELETE", "/Patient"), 412, "GW-7043")
    assert many.ask("DELETE", path).status_code == 204
    assert county.get(f"{path}&_summary=count").get_json()["total"] == 0
    assert many.ask("DELETE", path).status_code == 204
    [rest] = many.get("/metadata").get_json()["rest"]
    assert {one["conditionalDelete"] for one in rest["resource"]} == {"multiple"}
