"""Validation: speed, memory and defects caught, ours beside other Python validators, in one run.

    python -m benchmarks.validation [--seconds 5] [--mutants 600]

A bundle of 14 resources that claim the consortium's profiles is checked against R4, the profiles,
all invariants and all loaded terminology. The others check what they can: fhir.resources its
models, jsonschema a schema made of the same definitions (structure, cardinalities, forms of
primitives). The defects are those of ``tests/unit/profiles/mutants.py``. One core, no threads.
"""

import argparse
import copy
import json
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from gateway.fhir import codec, definitions
from gateway.fhir.fhirpath import Model
from gateway.records import Resource
from gateway.validation import Validator
from gateway.validation.packages import read_definitions
from gateway.validation.primitives import JSON_TYPES

PROFILES = Path(__file__).resolve().parent.parent / "profiles"
SERVER = "http://example.org/fhir"
OF_BUNDLE = (
    "CnPatient",
    "ConsortiumOrganization",
    "ConsortiumPractitioner",
    "ConsortiumPractitionerRole",
    "ConsortiumEncounter",
    "ReferralServiceRequest",
    "ReferralTask",
    "ReferralComposition",
    "LabReport",
    "LabObservation",
    "LabSpecimen",
    "NhsaCoverage",
    "SettlementClaim",
    "SettlementClaimResponse",
)

Verdict = Callable[[Resource], bool]
"""Says whether a resource is accepted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One validator's results: bundles a second, milliseconds a bundle, share of defects."""

    name: str
    bundles_s: float
    caught: float


def examples() -> list[Resource]:
    """Read the valid examples of all profiles."""
    folder = PROFILES / "examples" / "valid"
    return [codec.decode(path.read_bytes()) for path in sorted(folder.glob("*.json"))]


def bundle_of(resources: list[Resource]) -> Resource:
    """Make a collection of the fourteen."""
    named = {one["meta"]["profile"][0].rpartition("/")[2]: one for one in resources}
    return {
        "resourceType": "Bundle",
        "id": "fourteen",
        "type": "collection",
        "entry": [
            {
                "fullUrl": f"{SERVER}/{named[name]['resourceType']}/{named[name]['id']}",
                "resource": named[name],
            }
            for name in OF_BUNDLE
        ],
    }


def speed(check: Verdict, bundle: Resource, seconds: float) -> float:
    """Give bundles a second of processor time: the best of five runs, types compiled before."""
    check(bundle)
    best = 0.0
    for _ in range(5):
        count, started = 0, time.process_time()
        while (passed := time.process_time() - started) < seconds / 5:
            check(bundle)
            count += 1
        best = max(best, count / passed)
    return best


def by_models(value: Resource) -> bool:
    """Ask fhir.resources (R4B, which differs from R4 in few of these types)."""
    plain = json.loads(codec.encode(value))
    try:
        get_fhir_model_class(plain["resourceType"]).model_validate(plain)
    except (ValidationError, KeyError, ValueError, TypeError, AttributeError):
        return False
    return True


class Schemas:
    """JSON Schemas of the release's types."""

    def __init__(self) -> None:
        self._release, self._made = definitions.load(), {}
        self._model = Model(self._release)
        self._forms = {"string": "string", "boolean": "boolean", "number": "number"}

    def check(self, value: Resource) -> bool:
        """Say whether a resource fits the schema of its type."""
        plain = json.loads(codec.encode(value))
        names = {plain["resourceType"]} | {
            entry["resource"]["resourceType"] for entry in plain.get("entry", ())
        }
        key = frozenset(names)
        if key not in self._made:
            schema = {"$ref": f"#/$defs/{plain['resourceType']}", "$defs": self._types(names)}
            self._made[key] = Draft202012Validator(schema)
        return bool(self._made[key].is_valid(plain))

    def _types(self, names: set[str]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        waiting = [*names, "Element"]
        while waiting:
            name = waiting.pop()
            if name not in made:
                made[name], used = self._object(name, names)
                waiting.extend(used)
        return made

    def _object(self, name: str, names: set[str]) -> tuple[dict[str, Any], set[str]]:
        structure = self._release.structure(name.partition(".")[0]) or {"snapshot": {"element": []}}
        listed = {one["path"]: one for one in structure["snapshot"]["element"]}
        members: dict[str, Any] = {"resourceType": {"type": "string"}}
        required: list[str] = []
        used: set[str] = set()
        for stem, keys in self._model.children(name).items():
            element = listed.get(f"{name}.{stem}") or listed.get(f"{name}.{stem}[x]") or {}
            is_list = element.get("base", {}).get("max", "1") not in ("0", "1")
            if element.get("min", 0) and len(keys) == 1:
                required.append(stem)
            for key, code in keys:
                schema, inner = self._value(code, names)
                used |= inner
                members[key] = (
                    {"type": "array", "items": schema, "minItems": 1} if is_list else schema
                )
                members[f"_{key}"] = {}
        return {
            "type": "object", "properties": members, "required": required,
            "additionalProperties": False, "minProperties": 1,
        }, used  # fmt: skip

    def _value(self, code: str, names: set[str]) -> tuple[dict[str, Any], set[str]]:
        if code in JSON_TYPES:
            kind = JSON_TYPES[code][0]
            form = {str: "string", bool: "boolean"}.get(kind, "number")
            return {"type": form} | ({"minLength": 1} if form == "string" else {}), set()
        if code == "Resource":
            return {"anyOf": [{"$ref": f"#/$defs/{one}"} for one in sorted(names)]}, set()
        return {"$ref": f"#/$defs/{code}"}, {code}


def mutants(resources: list[Resource], most: int) -> Iterator[Resource]:
    """Give an even sample of the mutants of the examples."""
    from tests.unit.profiles.mutants import Breeder

    breeder = Breeder(definitions.load())
    found = []
    for one in resources:
        name = one["meta"]["profile"][0].rpartition("/")[2]
        profile = codec.decode((PROFILES / f"StructureDefinition-{name}.json").read_bytes())
        found += [mutant.resource for mutant in breeder.mutants(one, profile)]
    yield from found[:: max(1, len(found) // most)]


def memory_mb() -> float:
    """Give the most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--mutants", type=int, default=600)
    asked = parser.parse_args()
    started = memory_mb()
    began = time.perf_counter()
    validator = Validator(definitions.load(), read_definitions(sorted(PROFILES.glob("*.json"))))
    resources = examples()
    bundle = bundle_of(resources)
    findings = [one for one in validator.check(bundle) if one.severity in ("error", "fatal")]
    assert not findings, [(one.number, one.expression) for one in findings]
    compiled = time.perf_counter() - began
    print(f"compiled and first bundle: {compiled:.2f} s; memory {memory_mb():.0f} MB", end=" ")
    print(f"(of it {started:.0f} MB Python and the other validators)")

    def ours(value: Resource) -> bool:
        return all(one.severity not in ("error", "fatal") for one in validator.check(value))

    bred = list(mutants(resources, asked.mutants))
    lines = []
    for name, check in (
        ("gateway (R4 + profiles + terminology)", ours),
        ("fhir.resources", by_models),
        ("jsonschema", Schemas().check),
    ):
        accepted = check(copy.deepcopy(bundle))
        caught = sum(not check(mutant) for mutant in bred) / len(bred)
        lines.append(Line(name, speed(check, bundle, asked.seconds), caught))
        print(f"{name:40} valid bundle {'accepted' if accepted else 'REFUSED'}")
    print(f"\n{'':40}{'bundles/s':>12}{'ms/bundle':>12}{'ratio':>9}{'caught':>9}")
    for line in lines:
        ratio = lines[0].bundles_s / line.bundles_s
        print(
            f"{line.name:40}{line.bundles_s:>12.1f}{1000 / line.bundles_s:>12.2f}"
            f"{ratio:>9.1f}{line.caught:>9.1%}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
