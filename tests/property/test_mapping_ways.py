"""Round-trip laws: what a mapping read comes back, in every format."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.fhir import fhirpath
from gateway.fhir.definitions import load
from gateway.mapping import MappingProgram
from gateway.mapping.rendering import Renderer
from tests.unit.mapping.tryout import compiled, mapped

MAP = """mapping: 1
id: test/ways
source: {format: FORMAT, zone: Asia/Shanghai}
resources:
  - as: patient
    type: Patient
    key: {system: "urn:no", value: "@NO"}
    set:
      identifier:
        - set: {system: "urn:no", value: {from: "@NO"}}
        - set: {system: "urn:card", value: {from: "@CARD"}}
      name: {set: {use: official, text: {from: "@NAME"}}}
      gender: {from: "@SEX", codes: {1: male, 2: female}}
      birthDate: {from: "@BORN"}
      deceasedDateTime: {from: "@DEAD", as: dateTime}
      managingOrganization:
        ref:
          identifier:
            system: {template: "urn:org:{1}:x", join: ["@ORG"]}
            value: {from: "@ORG"}
  - as: item
    type: Observation
    each: "@ITEMS"
    under: patient
    key: {within: patient, value: "@ITEM_NO"}
    set:
      status: final
      identifier: {set: {system: "urn:item", value: {from: "@ITEM_NO"}}}
      code: {set: {text: {from: "@ITEM_NAME"}}}
      subject: {ref: patient}
      valueQuantity: {set: {value: {from: "@ITEM_VALUE"}, unit: {from: "@ITEM_UNIT"}}}
"""
NAMES = ("NO", "CARD", "NAME", "SEX", "BORN", "DEAD", "ORG")
ITEM_NAMES = ("ITEM_NO", "ITEM_NAME", "ITEM_VALUE", "ITEM_UNIT")
PATHS = {
    "rows": {**{n: n for n in (*NAMES, *ITEM_NAMES)}, "ITEMS": "rows()"},
    "json": {
        **{name: f"$.person.{name.lower()}" for name in NAMES},
        **{name: f".{name.lower()}" for name in ITEM_NAMES},
        "ITEMS": "$.person.items[*]",
    },
    "xml": {
        **{name: f"/person/{name.lower()}" for name in NAMES},
        "CARD": "/person/card[@kind='01']/@no",
        "ITEMS": "/person/items/item",
        "ITEM_NO": "./@no",
        "ITEM_NAME": "./name",
        "ITEM_VALUE": "./value/@value",
        "ITEM_UNIT": "./value/@unit",
    },
    "hl7v2": {
        **dict(
            zip(
                NAMES,
                ("PID-3", "PID-19", "PID-5.1.1", "PID-8", "PID-7", "PID-29", "PV1-39"),
                strict=True,
            )
        ),
        "ITEMS": "OBX",
        **dict(zip(ITEM_NAMES, (".1", ".3.2", ".5", ".6.1"), strict=True)),
    },
}
START = {"hl7v2": "MSH|^~\\&|A|B|C|D|20261102||ADT^A01|1|P|2.4\rPID|1\rPV1|1"}
WORDS = st.text(st.characters(codec="gb18030", categories=["L", "N", "P", "S", "Zs"]), max_size=8)
ITEM = st.tuples(
    WORDS, st.decimals(-999, 999, places=2).map(str), st.sampled_from(["g/L", "10*9/L", ""])
)
PERSON = st.fixed_dictionaries(
    {
        "CARD": st.sampled_from(["", "420300196205143622"]),
        "NAME": WORDS,
        "SEX": st.sampled_from(["", "1", "2"]),
        "BORN": st.sampled_from(["", "1962", "1962-05", "1962-05-14"]),
        "DEAD": st.sampled_from(["", "2026-11-02", "2026-11-02T08:30:00+08:00"]),
        "ORG": st.sampled_from(["", "12429901MB01A2001Y"]),
        "items": st.lists(ITEM, max_size=4),
    }
)


def _program(format_: str) -> MappingProgram:
    text = MAP.replace("FORMAT", format_)
    for name in sorted(PATHS[format_], key=len, reverse=True):
        text = text.replace(f'"@{name}"', json.dumps(PATHS[format_][name], ensure_ascii=False))
    if format_ == "rows":
        text += "samples: {options: {key: NO}}\n"
    with tempfile.TemporaryDirectory() as folder:
        return compiled(Path(folder), text)


PROGRAMS = {format_: _program(format_) for format_ in PATHS}
MODEL = fhirpath.Model(load())


def _json(person: dict[str, Any]) -> str:
    items = [
        {"item_no": str(no), "item_name": name, "item_value": value, "item_unit": unit}
        for no, (name, value, unit) in enumerate(person["items"], 1)
    ]
    told = {name.lower(): person.get(name, "") for name in NAMES} | {"no": "P1"}
    return json.dumps({"person": {**told, "items": items}})


@settings(max_examples=25, deadline=None)
@given(PERSON)
@pytest.mark.parametrize("format_", PATHS)
def test_what_was_rendered_and_read_again_has_equal_content(
    format_: str, person: dict[str, Any]
) -> None:
    if format_ == "rows" and not person["items"]:
        person["items"] = [("血压", "120.00", "")]
    bundle = mapped(PROGRAMS["json"], _json(person)).bundle()
    program = PROGRAMS[format_]

    text, left = Renderer(program, MODEL).render(bundle, START.get(format_))
    again = mapped(program, text).bundle()

    assert left == []
    assert again == bundle
    assert Renderer(program, MODEL).render(again, START.get(format_))[0] == text


def test_an_xml_template_keeps_what_nothing_renders() -> None:
    template = "<person><head>HIS</head><card kind='02' no='x'/><no/></person>"
    bundle = mapped(PROGRAMS["json"], _json({"CARD": "420300196205143622", "items": []})).bundle()

    text, _ = Renderer(PROGRAMS["xml"], MODEL).render(bundle, template)
    root = etree.fromstring(text.encode())

    assert root.findtext("head") == "HIS"
    assert [(one.get("kind"), one.get("no")) for one in root.findall("card")] == [
        ("02", "x"),
        ("01", "420300196205143622"),
    ]
