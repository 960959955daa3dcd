"""A profile that a member stores is in force with the next request."""

from tests.support.consortium import Browser
from tests.unit.validation.conftest import patient
from tests.unit.validation.test_definitions import PROFILE, URL


def test_a_stored_profile_is_in_force_at_once_and_findings_have_their_line(
    county: Browser,
) -> None:
    stating = patient(meta={"profile": [URL]})
    assert "GW-4301" not in county.post("/Patient/$validate", stating).get_data(as_text=True)
    assert county.post("/StructureDefinition", PROFILE).status_code == 201
    answer = county.post("/Patient/$validate", stating)
    [found] = [one for one in answer.get_json()["issue"] if one["severity"] == "error"]
    assert found["details"]["coding"][0]["code"] == "GW-4301"
    assert found["expression"] == ["Patient"]
    assert found["diagnostics"] == "line 1, column 1"


def test_a_stored_questionnaire_is_asked_about_its_answers_at_once(county: Browser) -> None:
    url = "https://example.com/fhir/Questionnaire/allergies"
    asked = [{"linkId": "any", "type": "boolean", "required": True}]
    questionnaire = {"resourceType": "Questionnaire", "url": url, "status": "active", "item": asked}
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": url,
    }
    path = "/QuestionnaireResponse/$validate"
    assert "GW-4422" not in county.post(path, response).get_data(as_text=True)
    assert county.post("/Questionnaire", questionnaire).status_code == 201
    assert "GW-4422" in county.post(path, response).get_data(as_text=True)
    assert county.post("/QuestionnaireResponse", response).status_code == 422
