"""From a type's StructureDefinition to its check: one table of JSON keys, compiled on first use."""

from dataclasses import dataclass, field
from typing import Any

from gateway.fhir.fhirpath.model import BACKBONES, Model, capitalized, type_code
from gateway.records import Resource
from gateway.validation import rules
from gateway.validation.artefacts import Artefacts
from gateway.validation.bindings import binding_check, check_coding, remembering
from gateway.validation.invariants import NATIVE, Invariant, compile_invariants, demand
from gateway.validation.places import Trail
from gateway.validation.primitives import TESTS, Test
from gateway.validation.rules import After, Check, Element, Rule, Slot
from gateway.validation.run import Link, Run
from gateway.validation.special import SPECIAL

_MODEL_PREFIX = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(slots=True)
class _Choice:
    """The keys of one choice element, of which at most one may stand."""

    name: str
    keys: frozenset[str]
    is_required: bool


@dataclass(slots=True)
class _Table:
    """Everything that one (perhaps anonymous) type asks of its JSON object."""

    type: str
    rules: dict[str, Rule] = field(default_factory=dict)
    tests: dict[str, Test] = field(default_factory=dict)
    required: dict[str, str] = field(default_factory=dict)
    choices: list[_Choice] = field(default_factory=list)
    invariants: tuple[Invariant, ...] = ()
    after: tuple[After, ...] = ()


class Types:
    """The checks of all types of a release; types are compiled when first met."""

    def __init__(self, artefacts: Artefacts, model: Model) -> None:
        self._artefacts = artefacts
        self._model = model
        self._slots: dict[str, Slot] = {}
        self._root_keys: dict[str, frozenset[str]] = {}

    def slot(self, type_: str) -> Slot:
        """Give the slot of a type by FHIR name or anonymous path."""
        found = self._slots.get(type_)
        if found is None:
            found = self._slots[type_] = Slot(self._first(type_))
        return found

    def _first(self, type_: str) -> Check:
        def compile_then_check(value: Resource, trail: Trail, run: Run) -> None:
            self._compile(type_.partition(".")[0])
            self._slots[type_].check(value, trail, run)

        return compile_then_check

    def _compile(self, root: str) -> None:
        structure = self._artefacts.structure(root)
        elements = [] if structure is None else structure["snapshot"]["element"]
        tables: dict[str, _Table] = {}
        for element in elements:
            path: str = element["path"]
            codes = [type_code(entry) for entry in element.get("type", ())]
            if "." not in path or (codes and codes[0] in BACKBONES):
                tables[path] = self._table(path, element)
            if "." in path:
                owner, _, name = path.rpartition(".")
                self._add(tables[owner], path, name, element)
        if root not in tables:
            tables[root] = _Table(root)
        for path, table in tables.items():
            if "resourceType" not in table.rules and structure and structure["kind"] == "resource":
                table.rules["resourceType"] = _accept
            check = _object_check(table)
            self.slot(path).check = remembering(check) if path == "Coding" else check

    def _table(self, path: str, element: Resource) -> _Table:
        table = _Table(path)
        table.invariants = compile_invariants(element.get("constraint"), NATIVE)
        after: list[After] = [check_coding] if path == "Coding" else []
        if path in SPECIAL:
            after.append(SPECIAL[path])
        table.after = tuple(after)
        return table

    def _add(self, table: _Table, path: str, name: str, element: Resource) -> None:
        if name.endswith("[x]"):
            self._add_choice(table, name[:-3], element)
            return
        if "contentReference" in element:
            type_ = element["contentReference"].rpartition("#")[2]
            entry: Resource = {}
        else:
            entry = (element.get("type") or [{"code": "string"}])[0]
            type_ = type_code(entry)
            type_ = path if type_ in BACKBONES else type_
            if name == "id" and element["base"]["path"] == "Resource.id":
                # R4 declares it a string; the text of the specification makes it an id.
                type_ = "id"
        if element["max"] == "0":
            table.rules[name] = rules.prohibited(Element(name, name, table.type, False))
            return
        if element["min"] > 0:
            table.required[name] = name
        self._add_rule(table, (name, name), type_, element, entry)

    def _add_choice(self, table: _Table, stem: str, element: Resource) -> None:
        keys: list[str] = []
        for entry in element.get("type", ()):
            type_ = type_code(entry)
            key = stem + capitalized(type_)
            keys.append(key)
            step = f"{stem}.ofType({type_})"
            self._add_rule(table, (key, step), type_, element, entry)
        table.choices.append(_Choice(stem, frozenset(keys), element["min"] > 0))

    def _add_rule(
        self, table: _Table, names: tuple[str, str], type_: str, element: Resource, entry: Resource
    ) -> None:
        key, step = names
        is_list = element["base"]["max"] not in ("0", "1")
        after = self._after(type_, element, entry)
        described = Element(key, step, type_, is_list, after)
        test = TESTS.get(type_)
        if test is not None:
            make = rules.primitives if is_list else rules.primitive
            table.rules[key] = make(described, test)
            if not is_list and not after:
                # Most values need no more than this.
                table.tests[key] = test
            if (
                type_ != "xhtml"
                and key != "id"
                and not (key == "url" and table.type == "Extension")
            ):
                table.rules["_" + key] = rules.sibling(described, self.slot("Element"))
        elif type_ == "Resource":
            table.rules[key] = _resource(described)
        else:
            make_complex = rules.complex_many if is_list else rules.complex_one
            table.rules[key] = make_complex(described, self.slot(type_))

    def _after(self, type_: str, element: Resource, entry: Resource) -> tuple[After, ...]:
        found: list[After] = []
        binding = element.get("binding")
        if binding:
            check = binding_check(binding, type_, element["path"])
            if check is not None:
                found.append(check)
        if type_ == "Reference":
            found.append(_collect(targets(entry)))
        skipped = NATIVE | self._keys_of(type_)
        own = compile_invariants(element.get("constraint"), skipped)
        if own and type_ not in self._model.children(element["path"].partition(".")[0]):
            found.append(_demand(own, type_))
        return tuple(found)

    def _keys_of(self, type_: str) -> frozenset[str]:
        """Name the constraints that the type itself brings, so that none is asked twice."""
        found = self._root_keys.get(type_)
        if found is None:
            structure = self._artefacts.structure(type_.partition(".")[0])
            constraints: list[Resource] = []
            for element in structure["snapshot"]["element"] if structure else ():
                if element["path"] == type_:
                    constraints = element.get("constraint", [])
                    break
            found = frozenset(one["key"] for one in constraints)
            self._root_keys[type_] = found
        return found


def _resource(element: Element) -> Rule:
    def check(value: Any, owner: Resource, trail: Trail, run: Run) -> None:
        if not element.is_list:
            run.engine.nested(value, owner, (trail, element.step, None), run)
            return
        if type(value) is not list:
            run.report("GW-4004", trail, element.step)
            return
        if not value:
            run.report("GW-4005", trail, element.step)
        for index, item in enumerate(value):
            run.engine.nested(item, owner, (trail, element.step, index), run)

    return check


def targets(entry: Resource) -> frozenset[str] | None:
    """Name the types that a Reference may point to; None for any."""
    profiles = entry.get("targetProfile") or ()
    names = frozenset(url.partition("|")[0].removeprefix(_MODEL_PREFIX) for url in profiles)
    return None if not names or "Resource" in names else names


def _accept(value: Any, owner: Resource, trail: Trail, run: Run) -> None:
    """Take ``resourceType``: whoever chose the table has read it."""


def _collect(allowed: frozenset[str] | None) -> After:
    def collect(value: Any, trail: Trail, run: Run) -> None:
        if run.scope is not None:
            run.links.append(Link(value, allowed, trail, run.scope))

    return collect


def _demand(invariants: tuple[Invariant, ...], type_: str) -> After:
    def check(value: Any, trail: Trail, run: Run) -> None:
        demand(invariants, type_, value, trail, run)

    return check


def _object_check(table: _Table) -> Check:
    get_rule = table.rules.get
    get_test = table.tests.get
    required = frozenset(table.required)
    choices, invariants, after, type_ = table.choices, table.invariants, table.after, table.type

    rules_of_type = tuple((invariant, invariant.fast) for invariant in invariants)

    def check(value: Resource, trail: Trail, run: Run) -> None:
        before = len(run.issues)
        for key, item in value.items():
            test = get_test(key)
            if test is not None and test(item):
                continue
            rule = get_rule(key)
            if rule is not None:
                rule(item, value, trail, run)
            else:
                run.report("GW-4001", trail, str(key), type=type_)
        if required and not value.keys() >= required:
            _report_missing(required, value, trail, run)
        for choice in choices:
            _check_choice(choice, value, trail, run)
        if not value:
            run.report("GW-4005", trail)
        if len(run.issues) == before or not _is_malformed(run, before):
            for one in after:
                one(value, trail, run)
            for invariant, quick in rules_of_type:
                if quick is None or quick(value) is not True:
                    demand((invariant,), type_, value, trail, run)

    return check


_FORM = frozenset(f"GW-40{number:02}" for number in range(2, 12))
"""What is malformed: a rule about such an object would only say so again."""


def _is_malformed(run: Run, before: int) -> bool:
    return any(found.number in _FORM for found in run.own_issues(before))


def _report_missing(required: frozenset[str], value: Resource, trail: Trail, run: Run) -> None:
    for key in sorted(required - value.keys()):
        if "_" + key not in value and value:
            run.report("GW-4002", trail, member=key)


def _check_choice(choice: _Choice, value: Resource, trail: Trail, run: Run) -> None:
    count = 0
    for key in value:
        if key in choice.keys:
            count += 1
    if count > 1:
        run.report("GW-4008", trail, member=choice.name)
    elif (
        not count
        and choice.is_required
        and value
        and not any(key[:1] == "_" and key[1:] in choice.keys for key in value)
    ):
        run.report("GW-4002", trail, member=choice.name + "[x]")
