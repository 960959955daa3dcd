"""Orders, their documents and prior results in the structures of HL7 v2.8."""

import pytest

from gateway.formats import READERS
from gateway.mapping import trials
from gateway.records import Resource
from tests.unit.mappings.packs import program

PATIENT = ("PID|1||P77^^^LAB^PI||LIN^SAN||19700101|M", "PV1|1|I|W1||||||||||||||||V1^^^HIS")


def resources(pack: str, kind: str, *lines: str) -> dict[str, list[Resource]]:
    """Map one message and give its resources by type."""
    head = f"MSH|^~\\&|LIS|LAB|||20260105||{kind}|1|P|2.8"
    raw = "\r".join((head, *lines, "")).encode()
    made = program(pack)
    parsed = next(trials.read_records(made, raw, READERS))
    found: dict[str, list[Resource]] = {}
    for one in made.run(parsed, trials.context_of(made)).contributions:
        found.setdefault(one.resource["resourceType"], []).append(one.resource)
    return found


def result(*before: str, priority: str = "", picture: str = "") -> dict[str, list[Resource]]:
    """Map a result whose order is told in an ORC, with other segments before its request."""
    request = f"OBR|1|P1|F1|GLU^Glucose|{priority}|20260104"
    observation = picture or "OBX|1|NM|GLU^Glucose||5.1|mmol/L|||||F"
    order = ("ORC|NW|P1|F1|G4|CM", *before)
    return resources("hl7v2/oru", "ORU^R01", *PATIENT, *order, request, observation)


def test_an_order_keeps_its_request_when_its_document_stands_between() -> None:
    document = ("OBX|1|ED|REQ^Requisition||^AP^PDF^Base64^QUJD||||||F", "TXA|1|CN||||||||||D1")
    found = result(*document)

    assert found["ServiceRequest"][0]["status"] == "completed"
    assert found["ServiceRequest"][0]["requisition"]["value"] == "G4"
    (reference,) = found["DocumentReference"]
    assert reference["content"][0]["attachment"]["contentType"] == "application/pdf"


def test_the_priority_of_the_timing_counts_before_the_old_one_of_the_request() -> None:
    found = result("TQ1|1||||||||A", priority="R")

    assert found["ServiceRequest"][0]["priority"] == "asap"


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("ED|IMG^Image||^IM^JPEG^Base64^QUJD", "image/jpeg"),
        ("ED|IMG^Image||^SD^PICT^Base64^QUJD", "image/pict"),
        ("ED|IMG^Image||^NS^Octet-stream^Base64^QUJD", "application/octet-stream"),
        ("ED|IMG^Image||^image^PNG^Base64^QUJD", "image/png"),
        ("RP|IMG^Image||https://x.example/1^^IM^JPEG", "image/jpeg"),
    ],
)
def test_the_type_of_an_attachment_is_a_media_type(value: str, content: str) -> None:
    found = result(picture=f"OBX|1|{value}||||||F")

    (form,) = found["DiagnosticReport"][0]["presentedForm"]
    assert form["contentType"] == content


def test_a_text_that_is_encapsulated_as_it_is_is_kept() -> None:
    found = result(picture="OBX|1|ED|TXT^Text||^TEXT^plain^A^ABC||||||F")

    (form,) = found["DiagnosticReport"][0]["presentedForm"]
    assert (form["contentType"], form["data"]) == ("text/plain", "QUJD")


def test_a_prior_result_is_not_said_to_be_of_todays_visit() -> None:
    today = ("ORC|NW|P1|F1", "OBR|1|P1|F1|GLU^Glucose")
    prior = ("PV1|1|O|||||||||||||||||V0^^^HIS", "ORC|NW|P0|F0", "OBR|1|P0|F0|GLU^Glucose")
    found = resources("hl7v2/order", "OMG^O19", *PATIENT, *today, *prior)

    visits = {
        request["identifier"][0]["value"]: request.get("encounter")
        for request in found["ServiceRequest"]
    }
    assert visits["P1"] is not None
    assert visits["P0"] is None


def test_the_comment_behind_the_timing_of_an_appointment_is_the_appointments() -> None:
    schedule = ("SCH|A1|B1||||||^Normal|60|s", "TQ1|||||||202601060930+0800|202601061030+0800")
    service = ("RGS|1", "AIS|1|A|X^Visit|202601060930+0800")
    found = resources("hl7v2/siu", "SIU^S12", *schedule, "NTE|1||Come early", *PATIENT, *service)

    assert found["Appointment"][0]["comment"] == "Come early"
