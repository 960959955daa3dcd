"""C-CDA documents whose content was changed at random: what they say must follow."""

import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.errors import GatewayError
from gateway.formats import READERS
from gateway.mapping import trials
from gateway.records import Mapped, Resource
from tests.unit.mappings.packs import program, samples
from tests.unit.mappings.test_packs import validator

PACK = "ccda/document"
NS = {"h": "urn:hl7-org:v3"}
XSI = "{http://www.w3.org/2001/XMLSchema-instance}type"
SAMPLES = {path.stem: path.read_bytes() for path in samples(PACK)}
SEEDS = range(6)
Change = Callable[[Any, random.Random], None]


def changed(name: str, seed: int, *changes: Change) -> Any:
    """Give a sample's tree after the changes."""
    root = etree.fromstring(SAMPLES[name])
    chance = random.Random(seed)
    for change in changes:
        change(root, chance)
    return root


def mapped(root: Any) -> Mapped:
    """Map a tree."""
    program_ = program(PACK)
    parsed = next(trials.read_records(program_, etree.tostring(root), READERS, {}))
    return program_.run(parsed, trials.context_of(program_))


def of_type(made: Mapped, type_: str) -> list[Resource]:
    """Give the resources of a type."""
    return [c.resource for c in made.contributions if c.resource["resourceType"] == type_]


def errors(made: Mapped) -> list[str]:
    """Give what the validator refuses."""
    found = validator().check(made.bundle())
    return [str(one.text_en) for one in found if one.severity in ("error", "fatal")]


def word(chance: random.Random) -> str:
    """Invent a word."""
    return "".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(9)).title()


def new_names(root: Any, chance: random.Random) -> None:
    """Give every person another name."""
    for part in root.iter("{urn:hl7-org:v3}given", "{urn:hl7-org:v3}family"):
        part.text = word(chance)


def new_codes(root: Any, chance: random.Random) -> None:
    """Give every value and every substance a code that no table knows."""
    path = "//h:value[@code] | //h:manufacturedMaterial/h:code | //h:playingEntity/h:code"
    for coded in root.xpath(path, namespaces=NS):
        if not coded.xpath("ancestor::h:entryRelationship/h:observation/h:value", namespaces=NS):
            coded.set("code", str(chance.randrange(10**8, 10**9)))
            coded.set("displayName", word(chance))


def new_status(root: Any, chance: random.Random) -> None:
    """Give acts states, some of them unknown."""
    for status in root.iter("{urn:hl7-org:v3}statusCode"):
        status.set("code", chance.choice(["completed", "active", "aborted", "odd"]))


def naive_times(root: Any, chance: random.Random) -> None:
    """Take offsets away and cut times short."""
    for timed in root.xpath("//h:entry//*[self::h:low or self::h:effectiveTime]", namespaces=NS):
        if value := timed.get("value"):
            timed.set("value", value[: chance.choice((4, 6, 8, 12, 14))])


def bad_values(root: Any, chance: random.Random) -> None:
    """Mistype some times and numbers."""
    for timed in root.xpath("//h:entry//h:*[@value]", namespaces=NS):
        if chance.random() < 0.2 and not timed.tag.endswith(("reference", "telecom")):
            timed.set("value", "2013131x")


def repeated(root: Any, chance: random.Random) -> None:
    """Repeat every entry under new ids."""
    for entry in root.xpath("//h:entry", namespaces=NS):
        copy: Any = etree.fromstring(etree.tostring(entry))
        for own in copy.xpath(".//h:entryRelationship/../h:id | ./*//h:id", namespaces=NS):
            own.set("root", f"2.25.{chance.randrange(1, 2**80)}")
        entry.addnext(copy)


def without_templates(root: Any, chance: random.Random) -> None:
    """Take the templates of entries away: their section's code must do."""
    del chance
    for template in root.xpath("//h:entry//h:templateId", namespaces=NS):
        template.getparent().remove(template)


def strings(value: Any) -> Iterator[str]:
    """Yield every text below a value."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    else:
        yield str(value)


@pytest.mark.parametrize("seed", SEEDS)
def test_other_names_and_codes_stand_where_the_old_ones_stood(seed: int) -> None:
    root = changed("ccd", seed, new_names, new_codes)
    made = mapped(root)
    told = {text for c in made.contributions for text in strings(c.resource)}
    names = {e.text for e in root.iter("{urn:hl7-org:v3}given", "{urn:hl7-org:v3}family")}
    problems = root.xpath(
        "//h:act/h:entryRelationship/h:observation[h:code/@code='55607006']/h:value/@code",
        namespaces=NS,
    )
    assert names <= told
    assert set(problems) <= {
        coding["code"] for one in of_type(made, "Condition") for coding in one["code"]["coding"]
    }
    assert errors(made) == []


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("seed", [1, 2])
def test_unknown_states_and_naive_times_still_make_a_valid_bundle(name: str, seed: int) -> None:
    made = mapped(changed(name, seed, new_status, naive_times))
    assert errors(made) == []
    for observation in of_type(made, "Observation"):
        assert not re.search(r"T.*(?<!Z)(?<![+-]\d\d:\d\d)$", observation.get("issued", ""))


def test_a_time_without_offset_keeps_its_date_only() -> None:
    root = changed("ccd", 0)
    timed = root.xpath("//h:observation[h:code/@code='2823-3']/h:effectiveTime", namespaces=NS)[0]
    timed.set("value", "20240509071500")
    made = mapped(root)
    potassium = next(
        one for one in of_type(made, "Observation") if one["code"]["coding"][0]["code"] == "2823-3"
    )
    assert potassium["effectiveDateTime"] == "2024-05-09"
    assert any(one.number == "GW-3201" for one in made.issues)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mistyped_value_is_left_out_and_told_and_the_rest_stays(seed: int) -> None:
    before = len(mapped(changed("ccd", 0)).contributions)
    made = mapped(changed("ccd", seed, bad_values))
    assert len(made.contributions) == before
    assert any(one.number == "GW-3209" for one in made.issues)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_entry_that_stands_twice_under_other_numbers_is_two(seed: int) -> None:
    before, after = mapped(changed("ccd", 0)), mapped(changed("ccd", seed, repeated))
    for type_ in ("AllergyIntolerance", "Immunization", "Procedure", "DiagnosticReport"):
        assert len(of_type(after, type_)) == 2 * len(of_type(before, type_))
    assert errors(after) == []


def test_the_same_entry_twice_is_one() -> None:
    root = changed("ccd", 0)
    entry = root.xpath("//h:entry[.//h:code/@code='7984']", namespaces=NS)[0]
    entry.addnext(etree.fromstring(etree.tostring(entry)))
    assert len(of_type(mapped(root), "AllergyIntolerance")) == 1


def test_entries_without_templates_are_known_by_their_section() -> None:
    made = mapped(changed("ccd", 0, without_templates))
    for type_ in ("AllergyIntolerance", "Condition", "MedicationStatement", "Immunization"):
        assert of_type(made, type_), type_
    assert len(of_type(made, "DiagnosticReport")[0]["result"]) == 5
    assert errors(made) == []


def test_an_entry_of_an_unknown_template_stays_in_the_narrative_and_is_told_as_unread() -> None:
    root = changed("progress-note", 0)
    act = root.xpath("//h:act", namespaces=NS)[0]
    for template in act.findall("h:templateId", NS):
        template.set("root", "1.2.3.4")
    made = mapped(root)
    section = of_type(made, "Composition")[0]["section"][0]
    assert "Pressure falling" in section["text"]["div"]
    assert any("/act/" in place.path for place in made.unread)


@pytest.mark.parametrize(
    ("kind", "inner", "wanted"),
    [
        ("PQ", {"value": "7.20", "unit": "mmol/L"}, "valueQuantity"),
        ("INT", {"value": "15"}, "valueInteger"),
        ("BL", {"value": "true"}, "valueBoolean"),
        ("TS", {"value": "20240101"}, "valueDateTime"),
        (
            "CD",
            {"code": "260385009", "codeSystem": "2.16.840.1.113883.6.96"},
            "valueCodeableConcept",
        ),
        ("CD", {"nullFlavor": "ASKU"}, "dataAbsentReason"),
    ],
)
def test_each_kind_of_value_has_its_element(kind: str, inner: dict[str, str], wanted: str) -> None:
    root = changed("ccd", 0)
    value = root.xpath("//h:observation[h:code/@code='2823-3']/h:value", namespaces=NS)[0]
    value.attrib.clear()
    value.set(XSI, kind)
    for name, text in inner.items():
        value.set(name, text)
    made = mapped(root)
    one = next(
        o for o in of_type(made, "Observation") if o["code"]["coding"][0]["code"] == "2823-3"
    )
    assert wanted in one
    assert errors(made) == []


def test_a_vital_sign_in_a_unit_that_r4_does_not_allow_goes_into_the_note() -> None:
    root = changed("ccd", 0)
    value = root.xpath("//h:observation[h:code/@code='29463-7']/h:value", namespaces=NS)[0]
    value.set("unit", "[stone_av]")
    made = mapped(root)
    weight = next(
        o for o in of_type(made, "Observation") if o["code"]["coding"][0]["code"] == "29463-7"
    )
    assert "valueQuantity" not in weight
    assert weight["note"] == [{"text": "81.50 [stone_av]"}]
    assert errors(made) == []


@pytest.mark.parametrize(
    ("root_", "extension", "system", "value"),
    [
        ("2.16.840.1.113883.4.6", "1234567893", "http://hl7.org/fhir/sid/us-npi", "1234567893"),
        ("1.2.3.4", "77", "urn:oid:1.2.3.4", "77"),
        ("1.2.3.4", None, "urn:ietf:rfc:3986", "urn:oid:1.2.3.4"),
        (
            "6C844C75-AA34-411C-B7BD-5E4A9F206E29",
            None,
            "urn:ietf:rfc:3986",
            "urn:uuid:6c844c75-aa34-411c-b7bd-5e4a9f206e29",
        ),
    ],
)
def test_a_number_keeps_whose_it_is(
    root_: str, extension: str | None, system: str, value: str
) -> None:
    root = changed("ccd", 0)
    number = root.xpath("//h:patientRole/h:id", namespaces=NS)[0]
    number.attrib.clear()
    number.set("root", root_)
    if extension:
        number.set("extension", extension)
    assert of_type(mapped(root), "Patient")[0]["identifier"] == [{"system": system, "value": value}]


def foreign() -> list[Path]:
    """Name the foreign documents and fragments that CORPORA holds."""
    folder = Path(os.environ.get("CORPORA", "."))
    found = [*folder.glob("ccda/*/input.xml"), *folder.glob("ccda-inputs/**/*.xml")]
    return sorted(found) if "CORPORA" in os.environ else []


@pytest.mark.corpora
@pytest.mark.skipif("CORPORA" not in os.environ, reason="CORPORA is not set")
def test_a_foreign_document_becomes_a_valid_bundle_or_is_refused_with_its_place() -> None:
    assert len(foreign()) == 80
    for path in foreign():
        made, refused = tried(path)
        assert [errors(one) for one in made] == ([] if refused else [[]]), path
        if refused:
            assert refused.number in ("GW-2301", "GW-3002"), path
            assert refused.where is not None, path


def tried(path: Path) -> tuple[list[Mapped], GatewayError | None]:
    """Map a file; give the refusal beside."""
    try:
        return list(trials.map_file(program(PACK), path, READERS)), None
    except GatewayError as refused:
        return [], refused
