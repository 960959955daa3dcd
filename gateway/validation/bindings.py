"""Codes against value sets and code systems, by the strength of the binding."""

from collections.abc import Callable
from typing import Any

from gateway.fhir.terminology import Expansion
from gateway.records import Resource, Severity
from gateway.validation.places import Trail
from gateway.validation.rules import After, Check
from gateway.validation.run import Run

_MAX_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_SCHEMES = ("http:", "https:", "urn:", "mailto:", "ftp:")
_NUMBERS = {"required": "GW-4101", "extensible": "GW-4102", "maximum": "GW-4108"}

# R4 requires it of all components of vital signs, but it lacks units of R4's own panels (L/min).
_RELAXED = frozenset({"http://hl7.org/fhir/ValueSet/ucum-vitals-common"})

# R4 lists some codes of a table; where none of them fits, another of that table does (NI: the
# national identifier), which is what extensible means.
_OF_ONE_TABLE = {
    "http://hl7.org/fhir/ValueSet/identifier-type": "http://terminology.hl7.org/CodeSystem/v2-0203"
}

# R4 lets its own formats stand by their short names where a list of formats is asked for.
_SHORT_FORMATS = frozenset({"xml", "json", "ttl"})
_FORMATS = frozenset(
    {
        "CapabilityStatement.format",
        "TestScript.setup.action.operation.accept",
        "TestScript.setup.action.operation.contentType",
        "TestScript.setup.action.assert.contentType",
    }
)

_MOST_CODINGS = 16_384

Codings = Callable[[Any], list[tuple[Resource, str, int | None]]]


def _of_concept(value: Any) -> list[tuple[Resource, str, int | None]]:
    codings = value.get("coding") if type(value) is dict else None
    return [
        (coding, "coding", index)
        for index, coding in enumerate(codings if type(codings) is list else ())
        if type(coding) is dict
    ]


def binding_check(binding: Resource, type_: str, path: str = "") -> After | None:
    """Make the check of a binding for one type; None where the strength asks nothing.

    A CodeableConcept meets a required binding with one of its codings. What cannot be told from
    what is loaded is a warning. ``path`` is the element's in the release, where that matters.
    """
    made = _checks_of(binding, type_)
    return _or_short(made) if made is not None and path in _FORMATS else made


def _or_short(check: After) -> After:
    def short_or_check(value: Any, trail: Trail, run: Run) -> None:
        if value not in _SHORT_FORMATS:
            check(value, trail, run)

    return short_or_check


def _checks_of(binding: Resource, type_: str) -> After | None:
    url = binding.get("valueSet")
    strength = binding.get("strength")
    checks: list[After] = []
    if isinstance(url, str) and url.partition("|")[0] in _RELAXED:
        strength = "extensible"
    if isinstance(url, str) and strength in ("required", "extensible"):
        made = _strict(url, strength, type_)
        if made is not None:
            checks.append(made)
    maximum = _maximum(binding)
    if maximum and maximum != url:
        made = _strict(maximum, "maximum", type_)
        if made is not None:
            checks.append(made)
    for extra in _additional(binding):
        made = _strict(extra[0], extra[1], type_)
        if made is not None:
            checks.append(made)
    if not checks:
        return None
    if len(checks) == 1:
        return checks[0]

    def both(value: Any, trail: Trail, run: Run) -> None:
        before = len(run.issues)
        for check in checks:
            if len(run.issues) == before:
                check(value, trail, run)

    return both


def _maximum(binding: Resource) -> str | None:
    for extension in binding.get("extension", ()):
        if extension.get("url") == _MAX_VALUE_SET:
            url = extension.get("valueCanonical") or extension.get("valueUri")
            return url if isinstance(url, str) else None
    return None


def _additional(binding: Resource) -> list[tuple[str, str]]:
    """Read R5's additional bindings as (value set, strength); those of a usage are left out."""
    found: list[tuple[str, str]] = []
    listed = [one for one in binding.get("extension", ()) if isinstance(one, dict)]
    for extension in listed:
        if not str(extension.get("url", "")).endswith(("binding.additional", "additional-binding")):
            continue
        parts = {
            one.get("url"): next((v for k, v in one.items() if k.startswith("value")), None)
            for one in extension.get("extension", ())
        }
        strength = parts.get("purpose")
        url = parts.get("valueSet")
        is_general = isinstance(url, str) and "usage" not in parts
        if strength in _NUMBERS and is_general:
            found.append((str(url), str(strength)))
    return found


def _strict(url: str, strength: str, type_: str) -> After | None:
    if type_ in ("code", "string", "uri", "url", "canonical", "id", "markdown"):
        return _of_text(url, strength)
    if type_ in ("CodeableConcept", "CodeableReference"):
        return _of_codings(url, strength, is_concept=True)
    if type_ in ("Coding", "Quantity", "Age", "Duration", "Count", "Distance", "Money"):
        return _of_codings(url, strength, is_concept=False)
    return None


def _severity(strength: str) -> Severity:
    return "warning" if strength == "extensible" else "error"


def _unknown(run: Run, trail: Trail, url: str, expansion: Expansion | None) -> None:
    reason = url if expansion is None else expansion.missing or url
    run.report("GW-4104", trail, severity="warning", value_set=url, reason=reason)


def _of_text(url: str, strength: str) -> After:
    def check(value: Any, trail: Trail, run: Run) -> None:
        if type(value) is not str:
            return
        expansion = run.engine.terminology.expansion(url)
        if expansion is not None and (value in expansion.codes or value in expansion.accepted):
            return
        verdict = None if expansion is None else expansion.has_code(value)
        if verdict and expansion is not None and len(expansion.accepted) < _MOST_CODINGS:
            expansion.accepted.add(value)
        if verdict is None:
            _unknown(run, trail, url, expansion)
        elif not verdict:
            title = run.engine.terminology.title(url)
            run.report(_NUMBERS[strength], trail, severity=_severity(strength), value_set=title)

    return check


def _of_codings(url: str, strength: str, *, is_concept: bool) -> After:
    table = _OF_ONE_TABLE.get(url.partition("|")[0], "")

    def check(value: Any, trail: Trail, run: Run) -> None:
        expansion = run.engine.terminology.expansion(url)
        codings = [one for one, _, _ in _of_concept(value)] if is_concept else [value]
        is_open = False
        for coding in codings:
            code, system = coding.get("code"), coding.get("system")
            if type(code) is not str:
                continue
            if expansion is None:
                is_open = True
                continue
            verdict = expansion.contains(system if type(system) is str else "", code)
            if verdict:
                return
            is_open = is_open or verdict is None
        if is_open:
            _unknown(run, trail, url, expansion)
        elif strength == "extensible" and any(
            coding.get("system") == table and not _is_unknown(coding, run) for coding in codings
        ):
            return
        elif strength != "extensible" or any("code" in coding for coding in codings):
            if not is_concept and "code" not in value and strength != "required":
                return
            if any(_is_unknown(coding, run) for coding in codings):
                # Its system does not have it: that is said at the code itself.
                return
            title = run.engine.terminology.title(url)
            run.report(_NUMBERS[strength], trail, severity=_severity(strength), value_set=title)

    return check


def _is_unknown(coding: Resource, run: Run) -> bool:
    system, code = coding.get("system"), coding.get("code")
    if type(system) is not str or type(code) is not str:
        return False
    content = run.engine.terminology.codes(system)
    return content is not None and not content.has(code)


def check_coding(value: Any, trail: Trail, run: Run) -> None:
    """Check every Coding: an absolute system, a code that its system has."""
    terminology = run.engine.terminology
    system, code = value.get("system"), value.get("code")
    if type(system) is not str:
        return
    content = terminology.codes(system)
    if content is None:
        if not system.startswith(_SCHEMES):
            run.report("GW-4107", trail, "system")
        elif terminology.is_value_set(system):
            run.report("GW-4106", trail, "system", system=system)
        return
    if type(code) is not str:
        return
    if not content.has(code):
        run.report("GW-4103", trail, "code", system=system)
        return
    display = value.get("display")
    texts = content.displays.get(code)
    if type(display) is str and texts and display.isascii() and display not in texts:
        folded = " ".join(display.split()).casefold()
        if folded not in {" ".join(text.split()).casefold() for text in texts}:
            run.report("GW-4105", trail, "display", severity="warning", system=system)


def remembering(check: Check) -> Check:
    """Check a Coding once: what was right by its engine's terminology is right elsewhere too."""

    def check_new(value: Resource, trail: Trail, run: Run) -> None:
        system, code, display = value.get("system"), value.get("code"), value.get("display")
        if (
            type(system) is not str
            or type(code) is not str
            or not (type(display) is str or display is None)
            or len(value) != (2 if display is None else 3)
        ):
            check(value, trail, run)
            return
        known = run.engine.good_codings
        if (system, code, display) in known:
            return
        before = len(run.issues) + run.warnings
        check(value, trail, run)
        if len(run.issues) + run.warnings == before and len(known) < _MOST_CODINGS:
            known.add((system, code, display))

    return check_new
