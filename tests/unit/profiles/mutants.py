"""Defects put into valid examples, one at a time, each with the place where it has to be found."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gateway.fhir.definitions import Definitions
from gateway.fhir.fhirpath import Model
from gateway.records import Resource

Path = tuple[str | int, ...]
NO_CARD = "420300196205143621"
"""The ID number of the story's patient with another check digit."""
NO_CREDIT_CODE = "12429901MB01A2001X"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A resource with one defect; ``expected`` is where it stands, as members and indexes."""

    kind: str
    resource: Resource
    expected: str


@dataclass(frozen=True, slots=True)
class _Spot:
    """One member of an object: where it is and what its type says about it."""

    path: Path
    value: Any
    type: str
    element: Resource


class Breeder:
    """Makes mutants of resources, driven by the elements of the release."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._model = Model(definitions)
        self._elements: dict[str, dict[str, Resource]] = {}

    def mutants(self, resource: Resource, profile: Resource) -> Iterator[Mutant]:
        """Give every mutant of one example of a profile."""
        spots = list(self._spots(resource, resource["resourceType"], ()))
        for spot in spots:
            yield from self._of_spot(resource, spot)
        yield from _nonsense(resource, spots)
        yield from self._of_profile(resource, profile)

    def _of_spot(self, resource: Resource, spot: _Spot) -> Iterator[Mutant]:
        least, element = spot.element.get("min", 0), spot.element
        is_list = isinstance(spot.value, list)
        if least > 0:
            yield Mutant("missing", _without(resource, spot.path), _text(spot.path[:-1]))
        if is_list:
            yield Mutant("single", _with(resource, spot.path, spot.value[0]), _text(spot.path))
            yield Mutant("none", _with(resource, spot.path, []), _text(spot.path))
        else:
            twice = [spot.value, spot.value]
            yield Mutant("doubled", _with(resource, spot.path, twice), _text(spot.path))
        at = (*spot.path, 0) if is_list else spot.path
        one = spot.value[0] if is_list else spot.value
        yield from self._of_value(resource, at, one, spot, element)

    def _of_value(
        self, resource: Resource, at: Path, one: Any, spot: _Spot, element: Resource
    ) -> Iterator[Mutant]:
        here = _text(at)
        wrong: Any = "text" if isinstance(one, dict) else {"nonsense": 1}
        yield Mutant("wrong type", _with(resource, at, wrong), here)
        yield Mutant("empty", _with(resource, at, {} if isinstance(one, dict) else ""), here)
        if isinstance(one, str):
            yield Mutant("wrong type", _with(resource, at, 7), here)
            yield Mutant("control character", _with(resource, at, one + "\x00"), here)
        elif isinstance(one, (bool, int, Decimal)):
            yield Mutant("wrong type", _with(resource, at, str(one)), here)
        binding = element.get("binding", {})
        if spot.type == "code" and binding.get("strength") == "required":
            yield Mutant("wrong code", _with(resource, at, "no-such-code"), here)
        if spot.type in ("date", "dateTime", "instant"):
            yield Mutant("wrong form", _with(resource, at, "2026-13-01"), here)
        if spot.type == "Period" and "start" in one:
            turned = {**one, "start": "2026-11-09", "end": "2026-11-08"}
            yield Mutant("broken invariant", _with(resource, at, turned), here)
        if spot.type == "Reference":
            yield from _of_reference(resource, at, one, element)

    def _of_profile(self, resource: Resource, profile: Resource) -> Iterator[Mutant]:
        type_ = resource["resourceType"]
        for element in profile["differential"]["element"]:
            names = element["path"].split(".")[1:]
            if not names:
                continue
            for owner, path in _owners(resource, names[:-1]):
                yield from _of_rule(resource, element, owner, (*path, names[-1]), type_)

    def _spots(self, owner: Resource, type_: str, path: Path) -> Iterator[_Spot]:
        for key, value in owner.items():
            if key in ("resourceType", "contained", "div", "meta") or key[:1] == "_":
                continue
            found = self._element(type_, key)
            if found is None:
                continue
            inner_type, element = found
            yield _Spot((*path, key), value, inner_type, element)
            listed = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
            for index, one in listed:
                if isinstance(one, dict):
                    at = (*path, key) if index is None else (*path, key, index)
                    yield from self._spots(one, inner_type, at)

    def _element(self, type_: str, key: str) -> tuple[str, Resource] | None:
        for stem, keys in self._model.children(type_).items():
            for candidate, code in keys:
                if candidate == key:
                    return code, self._root(type_, stem)
        return None

    def _root(self, type_: str, stem: str) -> Resource:
        root = type_.partition(".")[0]
        if root not in self._elements:
            structure = self._definitions.structure(root) or {}
            listed = structure.get("snapshot", {}).get("element", [])
            self._elements[root] = {one["path"].removesuffix("[x]"): one for one in listed}
        return self._elements[root].get(f"{type_}.{stem}", {})


def _of_reference(
    resource: Resource, at: Path, one: Resource, element: Resource
) -> Iterator[Mutant]:
    types = [url for entry in element.get("type", ()) for url in entry.get("targetProfile", ())]
    names = {url.rpartition("/")[2] for url in types}
    if names and "Resource" not in names and "reference" in one and one["reference"][:1] != "#":
        other = next(name for name in ("Medication", "Schedule", "Slot") if name not in names)
        wrong = {**one, "reference": f"{other}/1"}
        yield Mutant("wrong reference", _with(resource, at, wrong), _text(at))
    if one.get("reference", "")[:1] != "#":
        yield Mutant(
            "dangling reference", _with(resource, at, {**one, "reference": "#nowhere"}), _text(at)
        )


def _of_rule(
    resource: Resource, rule: Resource, owner: Resource, path: Path, type_: str
) -> Iterator[Mutant]:
    """Break what one element of the differential demands, where it stands in the example."""
    name = str(path[-1])
    if name not in owner:
        return
    value = owner[name]
    if rule.get("min", 0) > 0 and "sliceName" not in rule:
        yield Mutant("missing", _without(resource, path), _text(path[:-1]))
    fixed = next((v for k, v in rule.items() if k.startswith("fixed")), None)
    if isinstance(fixed, str):
        yield Mutant("wrong value", _with(resource, path, _other(fixed, type_)), _text(path))
    pattern = rule.get("patternCodeableConcept")
    if pattern is None:
        return
    if "sliceName" not in rule:
        wrong = {"coding": [{"system": "http://loinc.org", "code": "11111-1"}]}
        yield Mutant("wrong value", _with(resource, path, wrong), _text(path))
        return
    system = pattern["coding"][0]["system"]
    for index, one in enumerate(value):
        if one["coding"][0]["system"] == system:
            others = [*value[:index], {"text": "another"}, *value[index + 1 :]]
            yield Mutant("wrong slice", _with(resource, path, others), _text(path[:-1]))
            yield Mutant("doubled slice", _with(resource, path, [*value, one]), _text(path[:-1]))


def _other(fixed: str, type_: str) -> str:
    return {"order": "plan", "claim": "preauthorization", "complete": "partial", "CNY": "USD"}.get(
        fixed, "individual" if type_ == "MeasureReport" else "no-such-code"
    )


def _nonsense(resource: Resource, spots: list[_Spot]) -> Iterator[Mutant]:
    """Put an unknown member and an empty extension into every object."""
    paths: list[Path] = [()]
    for spot in spots:
        if isinstance(spot.value, dict):
            paths.append(spot.path)
        elif isinstance(spot.value, list) and isinstance(spot.value[0], dict):
            paths.append((*spot.path, 0))
    for path in paths:
        yield Mutant(
            "unknown element", _with(resource, (*path, "nonsense"), 1), _text((*path, "nonsense"))
        )
        inner = _at(resource, path)
        if "extension" not in inner and "url" not in inner:
            at = (*path, "extension")
            hollow = [{"url": "http://example.org/hollow"}]
            yield Mutant("broken invariant", _with(resource, at, hollow), _text((*at, 0)))


def _owners(resource: Resource, names: list[str]) -> Iterator[tuple[Resource, Path]]:
    found: list[tuple[Resource, Path]] = [(resource, ())]
    for name in names:
        inner: list[tuple[Resource, Path]] = []
        for owner, path in found:
            value = owner.get(name)
            if isinstance(value, dict):
                inner.append((value, (*path, name)))
            elif isinstance(value, list):
                inner += [(one, (*path, name, n)) for n, one in enumerate(value)]
        found = inner
    yield from found


def _at(resource: Any, path: Path) -> Any:
    for step in path:
        resource = resource[step]
    return resource


def _with(resource: Resource, path: Path, value: Any) -> Resource:
    made = copy.deepcopy(resource)
    _at(made, path[:-1])[path[-1]] = value
    return made


def _without(resource: Resource, path: Path) -> Resource:
    made = copy.deepcopy(resource)
    del _at(made, path[:-1])[path[-1]]
    return made


def _text(path: Path) -> str:
    steps = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)
    return steps.removeprefix(".")
