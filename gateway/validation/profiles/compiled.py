"""A profile's tree compiled to checks of objects and values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.fhir.fhirpath import FhirPathError
from gateway.records import Resource
from gateway.validation import narrative
from gateway.validation.bindings import binding_check
from gateway.validation.invariants import NATIVE, compile_invariants, demand
from gateway.validation.profiles.bounds import bound_checks
from gateway.validation.profiles.items import Item, gather_keys, meets_pattern, missing_of
from gateway.validation.profiles.tree import Part
from gateway.validation.run import Run

if TYPE_CHECKING:
    from gateway.validation.profiles.book import Book
    from gateway.validation.profiles.slicing import Slicing

ItemCheck = Callable[[Item, Run], None]


@dataclass(slots=True)
class Compiled:
    """The checks of one part: of each value, of its children, of its slices."""

    part: Part
    checks: list[ItemCheck] = field(default_factory=list)
    children: list["Compiled"] = field(default_factory=list)
    slicing: "Slicing | None" = None
    members: dict[str, list[tuple["Compiled", dict[str, tuple[str, str]]]]] = field(
        default_factory=dict
    )
    may_lack: bool = False
    is_deep: bool = True
    imposed: tuple[str, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether the part asks nothing at all."""
        return not (
            self.checks
            or self.children
            or self.slicing
            or self.part.least
            or self.part.most is not None
        )


def compile_part(part: Part, profile: str, book: "Book") -> Compiled:
    """Compile a part with everything under it."""
    from gateway.validation.profiles.slicing import compile_slicing

    compiled = Compiled(part)
    compiled.checks = _checks(part, profile, book)
    for child in part.children.values():
        inner = compile_part(child, profile, book)
        if not inner.is_idle:
            compiled.children.append(inner)
    if part.slices:
        compiled.slicing = compile_slicing(part, profile, book)
    compiled.is_deep = bool(compiled.checks or compiled.children)
    # Nothing is asked where nothing stands.
    compiled.may_lack = not part.least and not any(one.least for one in part.slices.values())
    return compiled


def check_children(
    compiled: Compiled, owner: Resource, holder: Item, run: Run, profile: str
) -> None:
    """Check the members of an object against a part's children; ``holder`` is its element."""
    trail, members = holder.trail, compiled.members.get(holder.type)
    if members is None:
        members = compiled.members[holder.type] = [
            (child, run.model.chosen(holder.type, child.part.name)) for child in compiled.children
        ]
    present = owner.keys()
    for child, keys in members:
        if child.may_lack and present.isdisjoint(keys.keys()):
            continue
        part = child.part
        items = gather_keys(owner, keys, part.name, trail)
        count = len(items)
        if count < part.least or (part.most is not None and count > part.most):
            _report_count(part, count, trail, run, profile)
            if count > part.least:
                continue
        if child.is_deep:
            for item in items:
                check_item(child, item, run, profile)
        if child.slicing is not None:
            child.slicing.check(items, trail, run)


def _report_count(part: Part, count: int, trail: Any, run: Run, profile: str) -> None:
    member = part.name + "[x]" if part.is_choice else part.name
    if count < part.least:
        run.report("GW-4301", trail, member=member, least=part.least, count=count, profile=profile)
    if part.most is not None and count > part.most:
        run.report("GW-4302", trail, member=member, most=part.most, count=count, profile=profile)


def check_item(compiled: Compiled, item: Item, run: Run, profile: str) -> None:
    """Check one value against a part."""
    before = len(run.issues)
    for check in compiled.checks:
        check(item, run)
        if len(run.issues) > before and run.issues[before].number == "GW-4305":
            # Of another type than is allowed: all else would say the same again.
            return
    if compiled.children:
        value, scope = item.value, run.scope
        inner = value if type(value) is dict else item.inner()
        if inner is not None:
            if "resourceType" in inner:
                run.scope = run.scopes.get(id(value), scope)
            check_children(compiled, inner, item, run, profile)
            run.scope = scope


def _checks(part: Part, profile: str, book: "Book") -> list[ItemCheck]:
    found: list[ItemCheck] = []
    if part.types is not None:
        found.extend(book.type_checks(part, profile))
    if part.fixed is not None:
        found.append(_fixed(part.fixed, profile))
    if part.pattern is not None:
        found.append(_pattern(part.pattern, profile))
    found.extend(bound_checks(part, profile))
    if part.must_have_value or part.value_alternatives:
        found.append(_must_have_value(part.value_alternatives, profile))
    controls = language_controls(part)
    if controls:
        found.append(_languages(controls, profile))
    if part.binding is not None:
        found.append(_binding(part.binding))
    if part.constraints:
        found.append(_constraints(part, profile))
    return found


def _fixed(fixed: Any, profile: str) -> ItemCheck:
    def check(item: Item, run: Run) -> None:
        if item.value is None or item.value == fixed:
            return
        run.report("GW-4303", item.trail, profile=profile)

    return check


def _pattern(pattern: Any, profile: str) -> ItemCheck:
    def check(item: Item, run: Run) -> None:
        if not meets_pattern(item.value, pattern):
            missing = missing_of(item.value, pattern)
            run.report("GW-4304", item.trail, profile=profile, missing=missing)

    return check


def _must_have_value(alternatives: tuple[str, ...], profile: str) -> ItemCheck:
    def check(item: Item, run: Run) -> None:
        if item.value is not None:
            return
        extensions = item.extra.get("extension", []) if type(item.extra) is dict else []
        urls = {one.get("url") for one in extensions if type(one) is dict}
        if not urls & set(alternatives):
            run.report("GW-4314", item.trail, profile=profile)

    return check


def language_controls(part: Part) -> tuple[str, ...]:
    """Read the narrative-language-control extension of an element."""
    return tuple(
        str(extension.get("valueCode"))
        for extension in part.extensions
        if str(extension.get("url", "")).endswith("/narrative-language-control")
    )


def _languages(controls: tuple[str, ...], profile: str) -> ItemCheck:
    def check(item: Item, run: Run) -> None:
        text = item.value.get("div") if type(item.value) is dict else None
        if type(text) is not str or run.scope is None:
            return
        problem = _language_problem(controls, narrative.read(text).languages, run.scope.resource)
        if problem:
            run.report("GW-4411", item.trail, problem=f"{problem}, {profile}")

    return check


def _language_problem(
    controls: tuple[str, ...], found: tuple[str, ...], resource: Resource
) -> str | None:
    if "_no" in controls:
        return "no language sections are allowed" if found else None
    if not found:
        return "language sections are required"
    if "_resource" in controls and resource.get("language") not in found:
        return "the language of the resource is missing"
    missing = [code for code in controls if code[:1] != "_" and code not in found]
    return f"{missing[0]} is missing" if missing else None


def _binding(binding: Resource) -> ItemCheck:
    checks: dict[str, Any] = {}

    def check(item: Item, run: Run) -> None:
        if item.type not in checks:
            checks[item.type] = binding_check(binding, item.type)
        ask = checks[item.type]
        if ask is not None and item.value is not None:
            ask(item.value, item.trail, run)

    return check


def _constraints(part: Part, profile: str) -> ItemCheck:
    try:
        invariants = compile_invariants(part.constraints, NATIVE)
    except FhirPathError as err:
        problem = str(err)

        def refuse(item: Item, run: Run) -> None:
            run.report("GW-4316", item.trail, profile=profile, problem=problem)

        return refuse

    def check(item: Item, run: Run) -> None:
        scope = run.scope
        run.scope = run.scopes.get(id(item.value), scope)
        demand(invariants, item.type, item.node if item.extra else item.value, item.trail, run)
        run.scope = scope

    return check
