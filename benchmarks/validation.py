"""Validation: speed, memory and defects caught, ours beside other Python validators, in one run.

    python -m benchmarks.validation [--seconds 5] [--mutants 600]

A bundle of 14 resources that claim the consortium's profiles is checked against R4, the profiles,
all invariants and all loaded terminology. The others check what they can: fhir.resources its
models, jsonschema and jsonschema-rs a schema made of the same definitions (structure,
cardinalities, JSON types: no package carries an official schema that works), fhirkit-rs R4,
pyrofile-validator R4 and our profiles. The last three are installed into a
throw-away environment.
With ``CORPORA`` set, the official cases are judged too. The defects are those of
``tests/unit/profiles/mutants.py``. One core, no threads.
"""

import argparse
import copy
import json
import os
import resource
import subprocess
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from gateway.errors import GatewayError
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

OURS = "gateway (R4 + profiles + terminology)"
BESIDE = ("jsonschema-rs", "fhirkit-rs", "pyrofile-validator")
ENVIRONMENT = Path(tempfile.gettempdir()) / "gateway-validators"

Verdict = Callable[[Resource], bool]
"""Says whether a resource is accepted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One validator's results.

    ``accepted``: the valid bundle; ``caught``: share of the mutants that it refuses; ``right``:
    share of the official cases with the official verdict, None without the cases.
    """

    name: str
    accepted: bool
    bundles_s: float
    caught: float
    right: float | None


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


def speeds(checks: list[Verdict], bundle: Resource, seconds: float) -> list[float]:
    """Give bundles a second of processor time, types compiled before.

    The best of five rounds each; the rounds take turns, so that a busy machine meets all alike.
    """
    best = [0.0] * len(checks)
    for check in checks:
        check(bundle)
    for _ in range(5):
        for position, check in enumerate(checks):
            count, started = 0, time.process_time()
            while (passed := time.process_time() - started) < seconds / 5:
                check(bundle)
                count += 1
            best[position] = max(best[position], count / passed)
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
        self._release = definitions.load()
        self._made: dict[frozenset[Any], Any] = {}
        self.by_type: dict[str, Any] = {}
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
            self.by_type[plain["resourceType"]] = schema
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


def corpus_cases() -> Iterator[tuple[Resource, bool]]:
    """Give official cases (JSON, checked against R4 alone) with their verdict: valid or not.

    They are read from the folder ``CORPORA`` names; without it there are none.
    """
    folder = os.environ.get("CORPORA")
    if folder is None:
        return
    root = Path(folder) / "validator"
    for line in (root / "cases.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if case["profile"] or case["profiles"] or not case["file"].endswith(".json"):
            continue
        try:
            value = codec.decode((root / case["file"]).read_bytes())
        except GatewayError:
            # What is no JSON for us is none for the others.
            continue
        if isinstance(value, dict):
            yield value, case["expected_errors"] == 0


def _share_right(verdicts: list[bool], cases: list[tuple[Resource, bool]]) -> float | None:
    same = [found is wanted for found, (_, wanted) in zip(verdicts, cases, strict=True)]
    return sum(same) / len(same) if same else None


def others(
    bundle: Resource, bred: list[Resource], cases: list[tuple[Resource, bool]], seconds: float
) -> list[Line]:
    """Run the validators of ``benchmarks.beside`` in an environment of their own."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    for package in BESIDE:
        subprocess.run([python, "-m", "pip", "install", "-q", package], check=False)
    schemas = Schemas()
    single = [_plain(one) for one in (*bred, *(one for one, _ in cases))]
    for one in (bundle, *bred):
        schemas.check(one)
    work = {
        "bundle": _plain(bundle), "single": single, "schemas": schemas.by_type,
        "profiles": str(PROFILES), "seconds": seconds,
    }  # fmt: skip
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(work, file)
        file.flush()
        script = Path(__file__).with_name("beside.py")
        ran = subprocess.run([python, script, file.name], stdout=subprocess.PIPE, check=True)
    lines = []
    for name, told in json.loads(ran.stdout).items():
        if "problem" in told:
            print(f"{name}: {told['problem']}")
            continue
        verdicts = told["verdicts"]
        caught = sum(not one for one in verdicts[: len(bred)]) / len(bred)
        # Types that no mutant has have no schema here.
        right = None if name == "jsonschema-rs" else _share_right(verdicts[len(bred) :], cases)
        lines.append(Line(name, told["accepts"], told["bundles_s"], caught, right))
    return lines


def _plain(value: Resource) -> Any:
    return json.loads(codec.encode(value))


def memory_mb() -> float:
    """Give the most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def tell(lines: list[Line]) -> None:
    """Print the table, ours first."""
    print(
        f"{'':40}{'bundles/s':>12}{'ms/bundle':>11}{'ratio':>8}{'valid':>9}{'caught':>9}{'right':>8}"
    )
    for line in lines:
        ratio = lines[0].bundles_s / line.bundles_s
        right = "-" if line.right is None else f"{line.right:.1%}"
        print(
            f"{line.name:40}{line.bundles_s:>12.1f}{1000 / line.bundles_s:>11.2f}{ratio:>8.2f}"
            f"{'accepted' if line.accepted else 'REFUSED':>9}{line.caught:>9.1%}{right:>8}"
        )


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
    cases = list(corpus_cases())
    checks = {OURS: ours, "fhir.resources": by_models, "jsonschema": Schemas().check}
    measured = speeds(list(checks.values()), bundle, asked.seconds)
    lines = []
    for (name, check), bundles_s in zip(checks.items(), measured, strict=True):
        accepted = check(copy.deepcopy(bundle))
        caught = sum(not check(mutant) for mutant in bred) / len(bred)
        right = _share_right([check(one) for one, _ in cases], cases)
        lines.append(Line(name, accepted, bundles_s, caught, right))
    lines += others(bundle, bred, cases, asked.seconds)
    print(f"{len(bred)} mutants, {len(cases)} official cases (base checks in JSON)\n")
    tell(lines)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
