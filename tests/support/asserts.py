"""The one shape of a refusal, asserted in one place."""

from typing import Any

from werkzeug.test import TestResponse

from gateway.errors import CATALOGUE


def outcome(
    response: TestResponse, status: int, number: str, where: str | None = None
) -> dict[str, Any]:
    """Assert that a response refuses with this status, number and place; give the first issue.

    Every refusal is an OperationOutcome with both languages and nothing unfilled in its text.
    """
    assert response.status_code == status, response.get_data(as_text=True)[:2000]
    assert response.mimetype == "application/fhir+json"
    body = response.get_json()
    assert body["resourceType"] == "OperationOutcome"
    found = [
        issue
        for issue in body["issue"]
        if any(coding["code"] == number for coding in issue["details"]["coding"])
    ]
    assert found, body
    text = found[0]["details"]["text"]
    assert " / " in text
    assert "{" not in text
    assert number in CATALOGUE
    if where is not None:
        places = [*found[0].get("expression", ()), found[0].get("diagnostics", "")]
        assert where in places, found[0]
    issue: dict[str, Any] = found[0]
    return issue
