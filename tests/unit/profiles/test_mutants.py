"""Valid examples of each profile hold; whatever is broken in them is found where it stands."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from gateway.fhir import codec, definitions
from gateway.records import Issue, Resource
from gateway.validation import Validator
from tests.unit.mappings.packs import ROOT
from tests.unit.profiles.mutants import NO_CARD, NO_CREDIT_CODE, Breeder, Mutant

PROFILES = ROOT / "profiles"
VALID = sorted((PROFILES / "examples" / "valid").glob("*.json"))
INVALID = sorted((PROFILES / "examples" / "invalid").glob("*.json"))
_CHOICE = re.compile(r"(\w+)\.ofType\((\w)(\w*)\)")
_STRUCTURE = "https://consortium-fhir.cn/StructureDefinition/"


@cache
def validator() -> Validator:
    artefacts = [codec.decode(path.read_bytes()) for path in sorted(PROFILES.glob("*.json"))]
    return Validator(definitions.load(), artefacts)


def errors(resource: Resource) -> list[Issue]:
    found = validator().check(resource)
    return [one for one in found if one.severity in ("error", "fatal")]


def places(issues: list[Issue]) -> list[str]:
    """Write the expressions as members and indexes, without the resource's type."""
    return [
        _CHOICE.sub(lambda m: m[1] + m[2].upper() + m[3], one.expression or "").partition(".")[2]
        for one in issues
    ]


def example(name: str) -> Resource:
    [path] = [path for path in VALID if path.stem.endswith(f"-{name}")]
    return dict(codec.decode(path.read_bytes()))


def profile_of(resource: Resource) -> Resource:
    name = resource["meta"]["profile"][0].removeprefix(_STRUCTURE)
    return dict(codec.decode((PROFILES / f"StructureDefinition-{name}.json").read_bytes()))


@cache
def mutants() -> tuple[Mutant, ...]:
    breeder = Breeder(definitions.load())
    examples = [codec.decode(path.read_bytes()) for path in VALID]
    return tuple(mutant for one in examples for mutant in breeder.mutants(one, profile_of(one)))


def test_every_profile_of_a_resource_has_a_valid_example() -> None:
    profiles = {
        path.stem.removeprefix("StructureDefinition-")
        for path in PROFILES.glob("StructureDefinition-*.json")
        if codec.decode(path.read_bytes())["type"] != "Extension"
    }
    assert profiles == {path.stem.partition("-")[2] for path in VALID}


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_example_has_no_errors(path: Path) -> None:
    resource = codec.decode(path.read_bytes())
    assert [(one.number, one.expression) for one in errors(resource)] == []


def test_there_are_thousands_of_mutants_of_every_kind() -> None:
    kinds = Counter(mutant.kind for mutant in mutants())
    assert sum(kinds.values()) >= 2_000
    assert {
        "missing", "doubled", "wrong type", "wrong code", "wrong slice", "doubled slice",
        "wrong reference", "dangling reference", "broken invariant", "wrong value",
    } <= kinds.keys()  # fmt: skip


def test_every_mutant_is_rejected_where_its_defect_stands() -> None:
    missed = [
        (mutant.kind, mutant.resource["id"], mutant.expected, places(found))
        for mutant in mutants()
        if mutant.expected not in places(found := errors(mutant.resource))
    ]
    assert missed == []


def test_one_defect_gives_few_findings() -> None:
    counts = Counter(len(errors(mutant.resource)) for mutant in mutants())
    total = sum(counts.values())
    assert counts[1] / total > 0.9


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_example_is_rejected_for_what_its_name_says(path: Path) -> None:
    resource = codec.decode(path.read_bytes())
    number = re.search(r"GW-\d{4}", path.stem)
    assert number is not None
    assert {one.number for one in errors(resource)} == {number[0]}


def test_an_id_card_with_a_wrong_check_digit_is_found() -> None:
    patient = example("CnPatient")
    patient["identifier"][0]["value"] = NO_CARD
    [found] = errors(patient)
    assert "cn-pat-1" in found.text_en


def test_a_credit_code_with_a_wrong_check_character_is_found() -> None:
    organization = example("ConsortiumOrganization")
    organization["identifier"][0]["value"] = NO_CREDIT_CODE
    [found] = errors(organization)
    assert "cn-org-2" in found.text_en
