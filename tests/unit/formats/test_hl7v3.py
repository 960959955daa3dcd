"""HL7 V3 messages are routed by root and interaction, unwrapped, and answered in their own form."""

import base64
from datetime import UTC, datetime

import pytest
from lxml import etree

from gateway.errors import GatewayError
from gateway.formats.hl7v3_ack import acknowledge
from tests.unit.formats.reading import read

NOW = datetime(2026, 11, 16, 10, 30, tzinfo=UTC)
INNER = "<ClinicalDocument xmlns='urn:hl7-org:v3'><code code='C0049'/></ClinicalDocument>"
MESSAGE = """<RCMR_IN000002UV02 xmlns="urn:hl7-org:v3">
  <id root="2.16.156.10011.2.5.1.1" extension="QS-01"/>
  <processingCode code="T"/>
  <receiver><device><id><item extension="GW"/></id></device></receiver>
  <sender><device><id><item extension="HIS"/></id></device></sender>
  <clinicalDocument><storageCode><originalText value="{}"/></storageCode></clinicalDocument>
</RCMR_IN000002UV02>"""


def message(inner: bytes) -> bytes:
    return MESSAGE.format(base64.b64encode(inner).decode()).encode()


@pytest.mark.parametrize("inner", [INNER.encode(), b"\xef\xbb\xbf" + INNER.encode()])
def test_the_document_that_a_message_registers_is_a_record_of_its_own(inner: bytes) -> None:
    records = read(message(inner), "xml")
    assert [one.kind for one in records] == ["RCMR_IN000002UV02", "C0049"]
    assert [one.ordinal for one in records] == [0, 1]


@pytest.mark.parametrize("inner", [b"no document", b"\x00\x01\x02"])
def test_what_is_no_document_inside_stays_a_value_of_the_message(inner: bytes) -> None:
    assert [one.kind for one in read(message(inner), "xml")] == ["RCMR_IN000002UV02"]


def test_a_broken_document_inside_is_refused_with_its_own_place() -> None:
    with pytest.raises(GatewayError) as refused:
        read(message(b"<ClinicalDocument>\n<id></ClinicalDocument>"), "xml")
    assert refused.value.number == "GW-2301"
    assert refused.value.where is not None
    assert refused.value.where.line == 2


def test_a_message_whose_root_is_no_interaction_is_known_by_its_interaction_id() -> None:
    raw = "<Msg xmlns='urn:hl7-org:v3'><interactionId extension=' PRPA_IN201304UV02 '/></Msg>"
    assert read(raw.encode(), "xml")[0].kind == "PRPA_IN201304UV02"


def said(answer: bytes, path: str) -> str:
    root = etree.fromstring(answer)
    return str(root.xpath(f"string({path})", namespaces={"h": "urn:hl7-org:v3"}))


def test_an_answer_names_the_message_and_turns_sender_and_receiver_round() -> None:
    answer = acknowledge(message(INNER.encode()), "AA", now=NOW, control_id="A1")
    assert etree.QName(etree.fromstring(answer)).localname == "MCCI_IN000002UV01"
    assert said(answer, "h:interactionId/@extension") == "MCCI_IN000002UV01"
    assert said(answer, "h:acknowledgement/@typeCode") == "AA"
    assert said(answer, "h:acknowledgement/h:targetMessage/h:id/@extension") == "QS-01"
    assert said(answer, "h:receiver//h:item/@extension") == "HIS"
    assert said(answer, "h:sender//h:item/@extension") == "GW"
    assert said(answer, "h:creationTime/@value") == "20261116103000"
    assert said(answer, "h:processingCode/@code") == "T"


def test_an_unreadable_message_is_refused_in_the_same_form() -> None:
    answer = acknowledge(b"<broken", "AE", now=NOW, text="不可读 & <坏>", control_id="A2")
    assert said(answer, "h:acknowledgement/@typeCode") == "AE"
    assert (
        said(answer, "h:acknowledgement/h:acknowledgementDetail/h:text/@value") == "不可读 & <坏>"
    )
