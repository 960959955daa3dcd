"""XML in and out: the same content, the same refusals."""

from lxml import etree

from gateway.fhir import codec, xml
from tests.support.asserts import outcome
from tests.support.consortium import Browser
from tests.support.resources import bundle, entry, patient

XML = "application/fhir+xml"
PATIENT = """<?xml version="1.0" encoding="UTF-8"?>
<Patient xmlns="http://hl7.org/fhir">
  <text><status value="generated"/>
    <div xmlns="http://www.w3.org/1999/xhtml"><p>林 <b>桂芳</b></p></div></text>
  <name><text value="林桂芳"/></name>
  <birthDate value="1962"><extension url="http://example.org/told">
    <valueDecimal value="72.50"/></extension></birthDate>
</Patient>"""


def test_a_resource_comes_in_as_xml_and_goes_out_in_both_formats(county: Browser) -> None:
    answer = county.ask(
        "POST", "/Patient", data=PATIENT.encode(), headers={"Content-Type": XML, "Accept": XML}
    )
    assert answer.status_code == 201
    assert answer.mimetype == XML
    root = etree.fromstring(answer.get_data())
    assert root.tag == "{http://hl7.org/fhir}Patient"
    id_ = xml.decode(answer.get_data())["id"]
    body = county.get(f"/Patient/{id_}").get_data()
    assert b"72.50" in body
    assert codec.decode(body)["_birthDate"]["extension"][0]["url"] == "http://example.org/told"
    again = xml.decode(county.get(f"/Patient/{id_}", Accept=XML).get_data())
    assert codec.encode(again) == codec.encode(codec.decode(body))


def test_format_decides_over_accept_and_pretty_leaves_the_narrative_alone(county: Browser) -> None:
    made = county.ask("POST", "/Patient", data=PATIENT.encode(), headers={"Content-Type": XML})
    path = f"/Patient/{made.get_json()['id']}"
    for short in ("xml", "application/xml", "text/xml", "application/fhir%2Bxml", XML):
        assert county.get(f"{path}?_format={short}", Accept="application/json").mimetype in {
            XML,
            "application/xml",
            "text/xml",
        }
    pretty = county.get(f"{path}?_format=xml&_pretty=true").get_data()
    assert b"\n  <name>\n    <text" in pretty
    assert "<p>林 <b>桂芳</b></p></div>".encode() in pretty
    assert codec.encode(xml.decode(pretty)) == county.get(path).get_data()


def test_a_search_and_a_bundle_are_answered_in_xml(county: Browser) -> None:
    county.post("/Patient", patient(identifier=[{"system": "urn:x", "value": "xml-1"}]))
    found = county.get("/Patient?identifier=urn:x|xml-1", Accept=XML)
    assert xml.decode(found.get_data())["entry"][0]["resource"]["gender"] == "female"
    asked = xml.encode(bundle("transaction", entry("POST", "Patient", patient())))
    answer = county.ask(
        "POST", "/", data=asked, headers={"Content-Type": XML, "Accept": "application/fhir+json"}
    )
    assert answer.get_json()["entry"][0]["response"]["status"] == "201 Created"


def test_a_refusal_is_given_in_the_format_asked_for(county: Browser) -> None:
    refused = county.get("/Patient/nobody", Accept=XML)
    assert refused.status_code == 404
    assert refused.mimetype == XML
    told = xml.decode(refused.get_data())
    assert told["issue"][0]["details"]["coding"][0]["code"] == "GW-7002"
    broken = county.ask(
        "POST", "/Patient", data=b"<Patient", headers={"Content-Type": XML, "Accept": XML}
    )
    assert broken.status_code == 400
    assert xml.decode(broken.get_data())["resourceType"] == "OperationOutcome"


def test_entities_and_foreign_elements_are_refused(county: Browser) -> None:
    for body in (
        b'<!DOCTYPE a [<!ENTITY x "y">]><Patient xmlns="http://hl7.org/fhir"/>',
        b'<Patient xmlns="http://example.org"/>',
        b'<Patient xmlns="http://hl7.org/fhir"><unknown value="1"/></Patient>',
        b'{"resourceType":"Patient"}',
    ):
        answer = county.ask("POST", "/Patient", data=body, headers={"Content-Type": XML})
        assert answer.status_code == 400, answer.get_data()
        assert answer.get_json()["resourceType"] == "OperationOutcome"


def test_a_format_that_is_not_spoken_is_refused(county: Browser) -> None:
    outcome(county.get("/Patient?_format=turtle"), 406, "GW-7005")
    outcome(county.get("/Patient", Accept="text/turtle"), 406, "GW-7005")
    turtle = {"Content-Type": "text/turtle"}
    outcome(county.ask("POST", "/Patient", data=b"x", headers=turtle), 415, "GW-7006")


def test_a_browser_gets_json(county: Browser) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert county.get("/Patient", Accept=accept).mimetype == "application/fhir+json"


def test_convert_turns_json_into_xml_and_back(county: Browser) -> None:
    made = county.ask("POST", "/$convert", patient(), headers={"Accept": XML})
    assert xml.decode(made.get_data()) == patient()
    back = county.ask(
        "POST",
        "/$convert",
        data=made.get_data(),
        headers={"Content-Type": XML, "Accept": "application/fhir+json"},
    )
    assert back.get_json() == patient()


def test_the_statement_names_both_formats(county: Browser) -> None:
    statement = county.get("/metadata").get_json()
    assert {"application/fhir+json", XML} <= set(statement["format"])
    assert xml.decode(county.get("/metadata?_format=xml").get_data())["fhirVersion"] == "4.0.1"
