"""Resources with one more element: what a search parameter looks for, made from the definitions."""

import re
from copy import deepcopy
from typing import Any

from gateway.fhir.definitions import SearchParameter, load
from gateway.records import Resource

_PART = re.compile(
    r"\(*([A-Z]\w+)((?:\.[a-z]\w*)+)(?: as (\w+)\))?\)*(?:\.as\((\w+)\))?"
    r"(?:\.where\(resolve\(\) is (\w+)\))?(?:\.where\((\w+)='([\w-]+)'\)(?:\.(\w+))?)?"
    r"(?:\.exists\(\).*)?"
)
_INNER = re.compile(r"(\w+)(?:\.as\((\w+)\))?(?:\.ofType\((\w+)\))?")
_CODED = {"system": "urn:filled", "code": "filled"}
_PLAIN: dict[str, Any] = {
    "Address": {"city": "青山", "country": "CN", "postalCode": "429900", "state": "湖北",
                "line": ["人民路 1 号"], "use": "work"},
    "Annotation": {"text": "filled"},
    "boolean": True,
    "canonical": "http://example.org/filled",
    "CodeableConcept": {"coding": [_CODED]},
    "Coding": _CODED,
    "ContactPoint": {"system": "phone", "value": "0724-5550100"},
    "date": "2026-03-04",
    "dateTime": "2026-03-04",
    "decimal": 2,
    "Expression": {"language": "text/fhirpath", "expression": "true"},
    "HumanName": {"family": "林", "given": ["桂芳"]},
    "Identifier": {"system": "urn:filled", "value": "filled"},
    "instant": "2026-03-04T05:06:07Z",
    "integer": 2,
    "markdown": "filled",
    "Money": {"value": 2, "currency": "CNY"},
    "Period": {"start": "2026-03-04", "end": "2026-03-05"},
    "positiveInt": 2,
    "Quantity": {"value": 2, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"},
    "Range": {"low": {"value": 1}, "high": {"value": 2}},
    "string": "filled",
    "Timing": {"event": ["2026-03-04"]},
    "unsignedInt": 2,
    "uri": "http://example.org/filled",
    "url": "http://example.org/filled",
}  # fmt: skip


def filled(resource: Resource, parameter: SearchParameter) -> Resource | None:
    """Give the resource with a value of the parameter; None where that takes more than a path."""
    for part in (parameter.expression or "").split("|"):
        match = _PART.fullmatch(part.strip())
        if match is None or match[1] != resource["resourceType"]:
            continue
        made = deepcopy(resource)
        made.pop("text", None)
        steps = match[2].strip(".").split(".")
        kind = match[3] or match[4] or ("Reference" if parameter.kind == "reference" else None)
        place = _fill(made, match[1], steps, kind, match[5])
        path = _path(match[1], steps)
        if match[6]:
            place[match[6]] = match[7]
        if match[8]:
            _fill(place, path, [match[8]], None, None)
        for _, expression in parameter.components:
            inner = _INNER.fullmatch(expression.partition("|")[0].strip())
            if inner is None or not isinstance(place, dict):
                return None
            _fill(place, path, [inner[1]], inner[2] or inner[3], None)
        return made
    return None


def minimal(type_: str) -> Resource:
    """Make a resource with what its type must have, and nothing else."""
    return {"resourceType": type_} | _mandatory(type_)


def _element(path: str) -> Resource:
    """Give the definition of an element, of a backbone element, or of a type's element."""
    root, _, _ = path.partition(".")
    structure = load().structure(root) or {}
    for one in structure["snapshot"]["element"]:
        if one["path"] in {path, f"{path}[x]"}:
            if "contentReference" in one:
                return _element(one["contentReference"].lstrip("#")) | {"max": one["max"]}
            return dict(one)
    raise KeyError(path)


def _path(path: str, steps: list[str]) -> str:
    """Follow steps to where the elements of the last are defined."""
    for step in steps:
        found = _element(f"{path}.{step}")
        code = found["type"][0]["code"]
        path = found["path"] if code in {"BackboneElement", "Element"} else code
    return path


def _fill(place: Any, path: str, steps: list[str], kind: str | None, target: str | None) -> Any:
    found = _element(f"{path}.{steps[0]}")
    types = {one["code"]: one for one in found["type"]}
    is_last = len(steps) == 1
    code = next((one for one in types if one == kind and is_last), next(iter(types)))
    if kind and not is_last and kind in types:
        code = kind
    key = steps[0]
    if found["path"].endswith("[x]"):
        for old in [one for one in place if re.fullmatch(f"_?{key}[A-Z]\\w*", one)]:
            del place[old]
        key += code[0].upper() + code[1:]
    is_list = found["max"] != "1"
    current = place.get(key)
    held = current[0] if isinstance(current, list) and current else current
    if is_last or held is None:
        held = _value(found, types[code], target)
    place[key] = [held] if is_list else held
    if is_last:
        return held
    inner = found["path"] if code in {"BackboneElement", "Element"} else code
    return _fill(held, inner, steps[1:], kind, target)


def _value(found: Resource, type_: Resource, target: str | None) -> Any:
    code = type_["code"]
    if code == "Reference":
        profiles = [one.rsplit("/", 1)[1] for one in type_.get("targetProfile", ())]
        named = target or next((one for one in profiles if one != "Resource"), "Patient")
        return {"reference": f"{named}/filled"}
    if code == "code":
        return _bound(found.get("binding", {}).get("valueSet", ""))
    if code in _PLAIN:
        return deepcopy(_PLAIN[code])
    return _mandatory(found["path"] if code in {"BackboneElement", "Element"} else code)


def _mandatory(path: str) -> Resource:
    """Make an element with what it must have, and nothing else."""
    made: Resource = {}
    root = path.partition(".")[0]
    for one in (load().structure(root) or {})["snapshot"]["element"]:
        parent, _, name = one["path"].rpartition(".")
        if parent == path and one.get("min", 0) > 0:
            _fill(made, path, [name.removesuffix("[x]")], None, None)
    return made


def _bound(url: str) -> str:
    """Give a code of a value set that takes its codes from one system."""
    value_set = load().value_set(url.partition("|")[0]) or {}
    for include in value_set.get("compose", {}).get("include", ()):
        if include.get("concept"):
            return str(include["concept"][0]["code"])
        system = load().code_system(include.get("system", "")) or {}
        if system.get("concept"):
            return str(system["concept"][0]["code"])
    return "filled"
