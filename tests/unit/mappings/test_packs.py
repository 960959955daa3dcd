"""Every pack: it compiles, passes its own tests, leaves nothing unread and makes valid FHIR."""

import csv
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from stdnum.cn import ric, uscc

from gateway.fhir import codec, definitions
from gateway.formats import READERS
from gateway.mapping import trials
from gateway.records import Resource
from gateway.validation import Validator
from tests.unit.mappings.packs import (
    FOLDER,
    IDS,
    ROOT,
    STORY,
    library,
    mapped_samples,
    program,
    samples,
)

PROFILES = ROOT / "profiles"
CARD = re.compile(rb"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9X](?![0-9A-Za-z])")
CREDIT_CODE = re.compile(rb"(?<![0-9A-Za-z])1[12]4[0-9]{5}[0-9A-Z]{10}(?![0-9A-Za-z])")


def artefacts() -> list[Resource]:
    """Read the consortium's own conformance resources."""
    return [codec.decode(path.read_bytes()) for path in sorted(PROFILES.glob("*.json"))]


@cache
def validator() -> Validator:
    """Give a validator that knows them."""
    return Validator(definitions.load(), artefacts())


def test_every_folder_with_a_map_is_known_by_its_path() -> None:
    assert sorted(id_ for id_, one in library().programs.items() if not one.is_out) == IDS


@pytest.mark.parametrize("id_", IDS)
def test_a_pack_passes_its_own_tests_and_gives_its_expected_bundles(id_: str) -> None:
    tried = trials.run_trials(program(id_), READERS)
    assert tried, "a pack without tests proves nothing"
    assert [(trial.name, trial.differences) for trial in tried if trial.differences] == []


@pytest.mark.parametrize("id_", IDS)
def test_a_pack_leaves_no_value_of_its_samples_unread_and_warns_of_nothing(id_: str) -> None:
    unread = [str(place) for one in mapped_samples(id_) for place in one.unread]
    warned = [issue.number for one in mapped_samples(id_) for issue in one.issues]
    assert (unread, warned) == ([], [])


@pytest.mark.parametrize("id_", IDS)
def test_what_a_pack_makes_is_valid_fhir(id_: str) -> None:
    findings = [
        (issue.number, issue.text_en, issue.expression)
        for one in mapped_samples(id_)
        for issue in validator().check(one.bundle())
        if issue.severity in ("error", "fatal")
    ]
    assert findings == []


@pytest.mark.parametrize("id_", IDS)
def test_what_a_pack_makes_is_read_by_the_models_of_fhir_resources(id_: str) -> None:
    for one in mapped_samples(id_):
        for contribution in one.contributions:
            resource = contribution.resource
            model = get_fhir_model_class(resource["resourceType"])
            model.model_validate_json(codec.encode(resource))


@pytest.mark.parametrize("id_", IDS)
def test_every_resource_of_a_pack_has_a_key_and_every_reference_inside_the_record_is_met(
    id_: str,
) -> None:
    for one in mapped_samples(id_):
        made = {f"{c.resource['resourceType']}/{c.resource['id']}" for c in one.contributions}
        told = [literal for c in one.contributions for literal in literals(c.resource)]
        assert all(contribution.keys for contribution in one.contributions)
        assert {literal for literal in told if not literal.startswith("#")} <= made


def literals(value: Any) -> Iterator[str]:
    """Yield every literal reference below a value."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from literals(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from literals(inner)


def test_only_invented_numbers_with_right_check_digits_stand_in_the_records() -> None:
    files = [path for id_ in IDS for path in samples(id_)]
    files += [path for path in STORY.rglob("*") if path.suffix in (".csv", ".hl7", ".xml", ".json")]
    cards = {found.decode() for path in files for found in CARD.findall(path.read_bytes())}
    codes = {found.decode() for path in files for found in CREDIT_CODE.findall(path.read_bytes())}
    assert len(cards) == 5
    assert [card for card in cards if not ric.is_valid(card)] == []
    assert codes
    assert [code for code in codes if not uscc.is_valid(code)] == []


@pytest.mark.parametrize(
    "name", ["gender", "marital-status", "patient-class", "discharge-way", "admission-way"]
)
def test_a_national_code_table_agrees_with_its_concept_map(name: str) -> None:
    published = {"patient-class": "patient-type"}.get(name, name)
    content = json.loads((PROFILES / f"ConceptMap-{published}.json").read_text("utf-8"))
    told = {
        element["code"]: (element["target"][0]["code"], group["target"])
        for group in content["group"]
        for element in group["element"]
    }
    with (FOLDER / "national-codes" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        table = {row["source"]: (row["target"], row["system"]) for row in csv.DictReader(file)}
    assert told.items() <= table.items()


@pytest.mark.parametrize("name", ["nhsa-insutype", "nhsa-fund-pay-type", "nhsa-med-type"])
def test_an_insurance_code_table_agrees_with_its_code_system(name: str) -> None:
    content = json.loads((PROFILES / f"CodeSystem-{name}.json").read_text("utf-8"))
    with (FOLDER / "national-codes" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        table = {row["source"]: row["display"] for row in csv.DictReader(file)}
    assert table == {concept["code"]: concept["display"] for concept in content["concept"]}


def test_every_code_of_our_own_systems_that_the_packs_make_is_defined() -> None:
    systems = {
        artefact["url"]: {concept["code"] for concept in artefact.get("concept", ())}
        for artefact in artefacts()
        if artefact["resourceType"] == "CodeSystem" and artefact["content"] != "not-present"
    }
    used = {
        (coding["system"], coding["code"])
        for id_ in IDS
        for one in mapped_samples(id_)
        for coding in codings([c.resource for c in one.contributions])
        if coding.get("system") in systems
    }
    # Provinces add funds of their own (99xxxx), which are kept as coded totals.
    local = {("https://consortium-fhir.cn/CodeSystem/nhsa-fund-pay-type", "990501")}
    assert len(used) > 30
    undefined = {pair for pair in used if pair[1] not in systems[pair[0]]}
    assert undefined == local


def test_every_extension_of_our_own_that_the_packs_make_is_defined() -> None:
    defined = {a["url"] for a in artefacts() if a["resourceType"] == "StructureDefinition"}
    used = {
        url
        for id_ in IDS
        for one in mapped_samples(id_)
        for url in urls([c.resource for c in one.contributions])
        if url.startswith("https://consortium-fhir.cn/StructureDefinition/")
    }
    assert len(used) > 10
    assert used <= defined


def codings(value: Any) -> Iterator[dict[str, str]]:
    """Yield every object with a system and a code below a value."""
    if isinstance(value, dict):
        if "system" in value and "code" in value:
            yield value
        for inner in value.values():
            yield from codings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from codings(inner)


def urls(value: Any) -> Iterator[str]:
    """Yield the url of every extension below a value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("extension", "modifierExtension"):
                yield from (one["url"] for one in inner)
            yield from urls(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from urls(inner)
