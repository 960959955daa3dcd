from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import GatewayError
from gateway.fhir import codec, xml
from gateway.records import Resource
from tests.unit.fhir.examples import by_type, needs_examples

DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p title="a">高血压 &lt; 3 级</p><!-- c --></div>'


def patient(inner: str) -> bytes:
    return f'<Patient xmlns="http://hl7.org/fhir">{inner}</Patient>'.encode()


def refusal(raw: bytes) -> GatewayError:
    with pytest.raises(GatewayError) as refused:
        xml.decode(raw)
    return refused.value


def test_the_xml_of_the_specification_is_read() -> None:
    # R4 section 2.6.1 and 2.6.2 show the same content in both forms.
    raw = b"""<?xml version="1.0" encoding="UTF-8"?>
    <Patient xmlns="http://hl7.org/fhir">
      <!-- a comment -->
      <id value="314"/>
      <birthDate value="1970-03-30" id="314159">
        <extension url="http://example.org/fhir/StructureDefinition/text">
          <valueString value="Easter 1970"/>
        </extension>
      </birthDate>
      <deceasedBoolean value="false"/>
      <multipleBirthInteger value="2"/>
    </Patient>"""
    assert xml.decode(raw) == {
        "resourceType": "Patient",
        "id": "314",
        "birthDate": "1970-03-30",
        "_birthDate": {
            "id": "314159",
            "extension": [
                {
                    "url": "http://example.org/fhir/StructureDefinition/text",
                    "valueString": "Easter 1970",
                }
            ],
        },
        "deceasedBoolean": False,
        "multipleBirthInteger": 2,
    }


FULL: Resource = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {
            "resource": {
                "resourceType": "Observation",
                "text": {"status": "generated", "div": DIV},
                "contained": [{"resourceType": "Patient", "id": "p", "active": True}],
                "status": "final",
                "code": {"text": '第一行\n第二行\t<&">'},
                "subject": {"reference": "#p"},
                "valueQuantity": {"value": Decimal("72.50"), "unit": "元"},
                "component": [
                    {"code": {"text": "a"}, "valueQuantity": {"value": Decimal("0.0000001")}}
                ],
            }
        },
        {
            "resource": {
                "resourceType": "Patient",
                "name": [
                    {
                        "id": "n1",
                        "given": ["a", None, "c"],
                        "_given": [None, {"extension": [{"url": "u", "valueCode": "x"}]}, None],
                    }
                ],
            }
        },
    ],
}


def test_nothing_is_lost_on_the_way_there_and_back() -> None:
    written = xml.encode(deepcopy(FULL))
    assert b'<value value="72.50"/>' in written
    assert b'<value value="0.0000001"/>' in written
    assert codec.encode(xml.decode(written)) == codec.encode(FULL)


def test_elements_are_written_in_the_order_of_the_schema() -> None:
    resource = {"birthDate": "1962", "active": True, "id": "p", "resourceType": "Patient"}
    root = etree.fromstring(xml.encode(resource))
    assert [etree.QName(child).localname for child in root] == ["id", "active", "birthDate"]


texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=20)


@settings(max_examples=80)
@given(texts, st.decimals(allow_nan=False, allow_infinity=False, places=2, max_value=10**12))
def test_any_text_and_amount_come_back(text: str, amount: Decimal) -> None:
    resource = {
        "resourceType": "ChargeItem",
        "code": {"text": text},
        "priceOverride": {"value": amount, "currency": "CNY"},
    }
    back = xml.decode(xml.encode(resource))
    assert codec.encode(back) == codec.encode(resource)


@needs_examples
def test_official_examples_of_all_types_come_back_from_xml() -> None:
    examples = by_type(12)
    assert len(examples) > 120
    for resources in examples.values():
        for resource in resources:
            back = xml.decode(xml.encode(resource))
            assert _comparable(back) == _comparable(resource), resource.get("id")


def _comparable(value: Any, key: str = "") -> Any:
    """Compare narratives as XML, decimals by their digits, the rest as it is."""
    if isinstance(value, dict):
        return {k: _comparable(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_comparable(item, key) for item in value]
    if key == "div":
        return etree.tostring(etree.fromstring(value.encode()), method="c14n")
    return str(value) if isinstance(value, Decimal) else value


def test_a_narrative_loses_foreign_prefixes_but_nothing_else() -> None:
    raw = patient(
        '<text><status value="generated"/>'
        '<h:div xmlns:h="http://www.w3.org/1999/xhtml">a<h:br/>b</h:div></text>'
    )
    div = xml.decode(raw)["text"]["div"]
    assert div == '<div xmlns="http://www.w3.org/1999/xhtml">a<br/>b</div>'


def test_an_html_entity_of_a_narrative_becomes_its_character() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">a&nbsp;&amp;b</div>'
    written = xml.encode({"resourceType": "Patient", "text": {"status": "generated", "div": div}})
    assert xml.decode(written)["text"]["div"].endswith(">a\u00a0&amp;b</div>")


@pytest.mark.parametrize(
    ("raw", "number", "path", "line"),
    [
        (b"", "GW-2221", "", 1),
        (b"<Patient", "GW-2221", "", 1),
        (patient("\n<name>"), "GW-2221", "", 2),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><Patient/>', "GW-2222", "", 1),
        (patient("<?php x?>"), "GW-2222", "Patient", 1),
        (b"<Patient/>", "GW-2223", "", 1),
        (b'<Case xmlns="http://hl7.org/fhir"/>', "GW-2223", "", 1),
        (patient("\n<firstname value='a'/>"), "GW-2223", "Patient", 2),
        (patient("<name>\n<Family value='a'/></name>"), "GW-2223", "Patient.name[0]", 2),
        (patient("<active value='yes'/>"), "GW-2224", "Patient.active", 1),
        (patient("<multipleBirthInteger value='2.0'/>"), "GW-2224", None, 1),
        (patient("<birthDate/>"), "GW-2224", "Patient.birthDate", 1),
        (patient("<birthDate valve='1962'/>"), "GW-2225", "Patient.birthDate", 1),
        (patient("1962"), "GW-2225", "Patient", 1),
        (patient("<contained/>"), "GW-2225", "Patient.contained[0]", 1),
        (patient("<active value='true'/>\n<active value='true'/>"), "GW-2226", None, 2),
        (patient("<name/><active value='true'/><name/>"), "GW-2226", "Patient.name", 1),
    ],
)
def test_a_fault_is_refused_with_its_place(
    raw: bytes, number: str, path: str | None, line: int
) -> None:
    refused = refusal(raw)
    assert refused.number == number
    assert refused.where is not None
    assert refused.where.line == line
    assert path is None or refused.where.path == path


@pytest.mark.parametrize(
    "raw",
    [
        b'<!DOCTYPE P SYSTEM "file:///etc/passwd"><Patient xmlns="http://hl7.org/fhir"/>',
        b"<!DOCTYPE l [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><l>&b;</l>",
        patient('<extension url="a">' * 220 + "</extension>" * 220),
        patient('<extension url="a">' * 50_000 + "</extension>" * 50_000),
        b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE x+AD4APA-Patient/+AD4-',
        patient("<name/>").decode().encode("utf-16"),
        patient('<language value="\xe9"/>').decode().encode("latin-1"),
        b"<a " + b"b" * 20_000_000 + b"/>",
    ],
)
def test_hostile_xml_is_refused(raw: bytes) -> None:
    assert refusal(raw).number in {"GW-2203", "GW-2221", "GW-2222"}


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Person2"},
        {"resourceType": "Patient", "unknown": 1},
        {"resourceType": "Patient", "name": {"family": "a"}},
        {"resourceType": "Patient", "name": ["a"]},
        {"resourceType": "Patient", "gender": {"a": 1}},
        {"resourceType": "Patient", "gender": "a\x00b"},
        {"resourceType": "Patient", "text": {"status": "generated", "div": "<div>no xmlns</div>"}},
        {"resourceType": "Patient", "text": {"status": "generated", "div": "<div"}},
    ],
)
def test_what_xml_cannot_carry_is_refused(resource: Resource) -> None:
    with pytest.raises(GatewayError, match=r"GW-222[78]"):
        xml.encode(resource)
