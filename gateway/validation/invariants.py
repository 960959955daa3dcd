"""Constraints of elements: compiled once, a fast answer first, FHIRPath where that fails."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.fhir import fhirpath
from gateway.fhir.fhirpath import Expression, FhirPathError, Node
from gateway.fhir.fhirpath.fast import Fast, fast_predicate
from gateway.records import Resource, Severity
from gateway.validation.check_digits import quick
from gateway.validation.places import Trail
from gateway.validation.run import Run

# What the structure itself or a module of ours checks, cheaper and with better texts.
NATIVE = frozenset(
    {
        "ele-1",
        "ext-1",
        "dom-2",
        "dom-3",
        "dom-4",
        "dom-5",
        "ref-1",
        "txt-1",
        "txt-2",
        "dom-r4b",
        "bdl-3",
        "bdl-4",
        "bdl-7",
    }
)
# R4's own mistakes, as HL7 corrected them later (the official validator does the same).
CORRECTED = {
    "bdl-8": "fullUrl.exists() implies fullUrl.contains('/_history/').not()",
    "que-7": "operator = 'exists' implies (answer is boolean)",
    "sdf-19": "true",
    "eld-11": "binding.empty() or type.code.empty() or type.code.all($this in ('code' | 'Coding' |"
    " 'CodeableConcept' | 'Quantity' | 'string' | 'uri' | 'Duration')) or type.code.exists($this in"
    " ('code' | 'Coding' | 'CodeableConcept' | 'Quantity' | 'string' | 'uri'))",
    "eld-16": r"sliceName.empty() or sliceName.matches('^[a-zA-Z0-9\\/\\-_\\[\\]\\@]+$')",
    "ras-2": "probability.empty() or ((probability is decimal) implies ((probability as decimal)"
    " <= 100))",
    # As its own words say: only a dateTime that has a value.
    "vs-1": "($this is dateTime and $this.hasValue()) implies"
    " ($this as dateTime).toString().length() >= 8",
}
_BEST_PRACTICE = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"


@dataclass(frozen=True, slots=True)
class Invariant:
    """One constraint of an element."""

    key: str
    severity: Severity
    human: str
    expression: Expression
    fast: Fast | None
    is_best_practice: bool = False


def compile_invariants(constraints: Any, skipped: frozenset[str]) -> tuple[Invariant, ...]:
    """Compile an element's constraints but the skipped keys; raise FhirPathError."""
    found: dict[str, Invariant] = {}
    for constraint in constraints or ():
        key, text = constraint.get("key", ""), constraint.get("expression")
        if key in skipped or not isinstance(text, str):
            continue
        text = CORRECTED.get(key, text)
        severity: Severity = "warning" if constraint.get("severity") == "warning" else "error"
        found[key] = Invariant(
            key=key,
            severity=severity,
            human=str(constraint.get("human", text)).rstrip(". "),
            expression=fhirpath.compile(text),
            fast=quick(constraint) or fast_predicate(text),
            is_best_practice=_is_best_practice(constraint),
        )
    return tuple(found.values())


def _is_best_practice(constraint: Resource) -> bool:
    return any(
        extension.get("url") == _BEST_PRACTICE and extension.get("valueBoolean")
        for extension in constraint.get("extension", ())
    )


Keep = Callable[[Any, Trail, Run], None]


def demand(
    invariants: tuple[Invariant, ...], type_: str, value: Any, trail: Trail, run: Run
) -> None:
    """Report each invariant that a value breaks."""
    for invariant in invariants:
        if invariant.fast is not None and invariant.fast(value) is True:
            continue
        if invariant.is_best_practice and not run.options.best_practice:
            continue
        _ask(invariant, value if type(value) is Node else Node(value, type_), trail, run)


def _ask(invariant: Invariant, node: Node, trail: Trail, run: Run) -> None:
    if invariant.key in run.spent:
        return
    try:
        verdict = invariant.expression.is_true(node, run.context())
    except FhirPathError as err:
        if err.is_spent:
            # It would be stopped at every further element too: one finding, one limit.
            run.spent.add(invariant.key)
        problem = str(err.details.get("problem", err.number))
        run.report("GW-4013", trail, severity="warning", key=invariant.key, problem=problem)
        return
    if verdict is not True and (verdict is False or not _is_open(invariant)):
        severity = invariant.severity
        run.report("GW-4012", trail, severity=severity, key=invariant.key, human=invariant.human)


def _is_open(invariant: Invariant) -> bool:
    """Say whether an empty result may be due to what we cannot know (terminology, resolution)."""
    text = invariant.expression.text
    return "memberOf" in text or "resolve" in text or "conformsTo" in text
