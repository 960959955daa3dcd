from gateway.errors import GatewayError, issue
from gateway.fhir.outcome import operation_outcome
from gateway.records import Place


def test_a_finding_tells_number_both_languages_and_place() -> None:
    finding = issue("GW-2205", place=Place("name[0]", 3, 7), expression="Patient.name", name="use")
    outcome = operation_outcome([finding])
    assert outcome["resourceType"] == "OperationOutcome"
    (written,) = outcome["issue"]
    assert (written["severity"], written["code"]) == ("error", "structure")
    assert written["details"]["coding"] == [
        {"system": "https://consortium-fhir.cn/CodeSystem/gateway-error", "code": "GW-2205"}
    ]
    chinese, english = written["details"]["text"].split(" / ")
    assert "出现了两次" in chinese
    assert "stands twice" in english
    assert written["expression"] == ["Patient.name"]
    first = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-"
    assert written["extension"] == [
        {"url": f"{first}line", "valueInteger": 3},
        {"url": f"{first}col", "valueInteger": 7},
    ]


def test_the_asked_language_comes_first() -> None:
    outcome = operation_outcome([issue("GW-1002")], "en-GB")
    assert outcome["issue"][0]["details"]["text"].startswith("The message is empty.")


def test_an_error_gives_its_own_outcome() -> None:
    error = GatewayError("GW-2203", limit=200)
    assert operation_outcome(error.as_issues())["issue"][0]["severity"] == "error"


def test_without_findings_all_is_well() -> None:
    (written,) = operation_outcome([])["issue"]
    assert (written["severity"], written["code"]) == ("information", "informational")
