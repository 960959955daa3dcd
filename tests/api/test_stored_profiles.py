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
