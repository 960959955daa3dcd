"""Slicing: to which slice a value belongs, how many each has, in which order (profiling.html)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.fhir import fhirpath
from gateway.fhir.fhirpath import FhirPathError, Node
from gateway.fhir.fhirpath.fast import Find, fast_path
from gateway.fhir.fhirpath.model import type_code
from gateway.fhir.fhirpath.syntax import Call, Dot, Literal, Name, Special, Tree, parse
from gateway.records import Resource
from gateway.validation.places import Trail
from gateway.validation.profiles.compiled import Compiled, check_item, compile_part
from gateway.validation.profiles.items import Item, gather, meets_pattern
from gateway.validation.profiles.tree import Part, ProfileError
from gateway.validation.run import Run

if TYPE_CHECKING:
    from gateway.validation.profiles.book import Book

Match = Callable[[Item, Run], bool]


@dataclass(slots=True)
class _Slice:
    """One slice: its name, how a value is recognised, and its checks."""

    name: str
    compiled: Compiled
    matches: Match


@dataclass(slots=True)
class Slicing:
    """The slices of one element in their order."""

    part: Part
    slices: list[_Slice]
    rules: str
    is_ordered: bool
    profile: str

    def check(self, items: list[Item], trail: Trail, run: Run) -> None:
        """Sort values into slices; check counts, order, closedness and each slice's own rules."""
        counts = dict.fromkeys((one.name for one in self.slices), 0)
        last, open_since = -1, False
        for item in items:
            found = [position for position, one in enumerate(self.slices) if one.matches(item, run)]
            if not found:
                open_since = True
                if self.rules == "closed":
                    run.report("GW-4306", item.trail, profile=self.profile)
                continue
            if len(found) > 1:
                names = ", ".join(self.slices[position].name for position in found)
                run.report("GW-4307", item.trail, slices=names, profile=self.profile)
                for position in found:
                    counts[self.slices[position].name] += 1
                last = max(last, *found)
                continue
            at = found[0]
            is_late = self.is_ordered and at < last
            if is_late or (open_since and self.rules == "openAtEnd"):
                run.report("GW-4308", item.trail, profile=self.profile)
            last = max(last, at)
            self._enter(self.slices[at], item, run)
            counts[self.slices[at].name] += 1
        self._count(counts, trail, run)

    def _enter(self, one: _Slice, item: Item, run: Run) -> None:
        check_item(one.compiled, item, run, self.profile)
        if one.compiled.slicing is not None:
            one.compiled.slicing.check([item], item.trail, run)

    def _count(self, counts: dict[str, int], trail: Trail, run: Run) -> None:
        for one in self.slices:
            part, count = one.compiled.part, counts[one.name]
            member = f"{part.name}:{one.name}"
            if count < part.least:
                run.report(
                    "GW-4301", trail, member=member, least=part.least, count=count,
                    profile=self.profile,
                )  # fmt: skip
            if part.most is not None and count > part.most:
                run.report(
                    "GW-4302", trail, member=member, most=part.most, count=count,
                    profile=self.profile,
                )  # fmt: skip


def compile_slicing(part: Part, profile: str, book: "Book") -> Slicing:
    """Compile the slices of a part."""
    stated = part.slicing or {}
    discriminators = stated.get("discriminator")
    listed = [one for one in discriminators if isinstance(one, dict)] if discriminators else []
    if not listed and part.name in ("extension", "modifierExtension"):
        listed = [{"type": "value", "path": "url"}]
    slices = [
        _Slice(name, compile_part(inner, profile, book), _matcher(inner, listed, book))
        for name, inner in part.slices.items()
    ]
    return Slicing(
        part, slices, str(stated.get("rules", "open")), stated.get("ordered") is True, profile
    )


def _matcher(part: Part, discriminators: list[Resource], book: "Book") -> Match:
    made = [_test(part, one, book) for one in discriminators]
    # A discriminator about which the slice says nothing does not tell slices apart.
    tests = [test for test in made if test is not None]
    if discriminators and not tests:
        return lambda _item, _run: False
    if not tests:
        return _by_satisfaction(part, book)
    if len(tests) == 1:
        return tests[0]
    return lambda item, run: all(test(item, run) for test in tests)


def _by_satisfaction(part: Part, book: "Book") -> Match:
    return lambda item, run: satisfies(part, item.node, run, book)


def _test(part: Part, discriminator: Resource, book: "Book") -> Match | None:
    kind, path = str(discriminator.get("type")), str(discriminator.get("path"))
    try:
        find = _finder(path)
        expected = _expected(part, parse(path), book)
    except (FhirPathError, ProfileError):
        return lambda _item, _run: False
    if not expected or all(_is_bare(one) for one in expected):
        return None
    if kind == "exists":
        return _by_existence(expected, find)
    if kind == "type":
        return _by_type(expected, find, book)
    if kind == "profile":
        return _by_profile(expected, find, book)

    plainly = _plainly(path, expected)

    def by_value(item: Item, run: Run) -> bool:
        values = plainly(item.value) if plainly is not None else None
        if values:
            return any(_has_fixed(one, value) for one in expected for value in values)
        nodes = find(item, run)
        return any(
            any(satisfies(one, node, run, book) for node in nodes) or (not nodes and one.most == 0)
            for one in expected
        )

    return by_value


def _plainly(path: str, expected: list[Part]) -> Find | None:
    """Read a discriminator's values without the engine, where only fixed values are asked of them.

    What it gives may be None or empty: then the engine says what stands there.
    """
    if any(one.binding is not None or one.children for one in expected):
        return None
    return fast_path(path)


def _has_fixed(part: Part, value: Any) -> bool:
    if part.fixed is not None and value != part.fixed:
        return False
    return part.pattern is None or meets_pattern(value, part.pattern)


def _finder(path: str) -> Callable[[Item, Run], list[Node]]:
    if path == "$this":
        return lambda item, _run: [item.node]
    expression = fhirpath.compile(path)

    def find(item: Item, run: Run) -> list[Node]:
        try:
            found = expression.nodes(item.node, run.context())
        except FhirPathError:
            return []
        return [one for one in found if type(one) is Node]

    return find


def _by_existence(expected: list[Part], find: Callable[[Item, Run], list[Node]]) -> Match:
    is_absent = any(one.most == 0 for one in expected)
    return lambda item, run: bool(find(item, run)) is not is_absent


def _by_type(expected: list[Part], find: Callable[[Item, Run], list[Node]], book: "Book") -> Match:
    wanted = {type_code(entry) for one in expected for entry in one.types or ()}
    wanted |= (
        {book.type_of_profile(url) for one in expected for url in one.profiles()}
        if "Resource" in wanted
        else set()
    )
    wanted |= {one.type_ for one in expected if not one.types and one.type_}

    def by_type(item: Item, run: Run) -> bool:
        nodes = find(item, run)
        return any(run.model.is_a(node.type, type_) for node in nodes for type_ in wanted)

    return by_type


def _by_profile(
    expected: list[Part], find: Callable[[Item, Run], list[Node]], book: "Book"
) -> Match:
    profiles = {url for one in expected for url in one.profiles()}

    def by_profile(item: Item, run: Run) -> bool:
        nodes = find(item, run)
        return any(book.conforms(node, url, run) for node in nodes for url in profiles)

    return by_profile


def _expected(part: Part, tree: Tree, book: "Book") -> list[Part]:
    """Walk a discriminator's path through a slice's own tree, entering profiles where it must."""
    if isinstance(tree, Special):
        return [part]
    if isinstance(tree, Name):
        return _step(part, tree.name, book)
    if isinstance(tree, Dot):
        return [
            inner
            for outer in _expected(part, tree.left, book)
            for inner in _expected(outer, tree.right, book)
        ]
    if isinstance(tree, Call):
        return _call(part, tree, book)
    return []


def _step(part: Part, name: str, book: "Book") -> list[Part]:
    own = part.children.get(name)
    if own is None:
        found = []
    elif own.slices and _is_bare(own) and (not own.is_choice or len(own.slices) == 1):
        # What the element itself leaves open, the slices that must stand in it say.
        slices = list(own.slices.values())
        found = [one for one in slices if one.least] or slices
    else:
        found = [own]
    if found and not all(_is_bare(one) for one in found):
        return found
    for url in part.profiles():
        tree = book.tree(url)
        if tree is not None:
            found = [*found, *_step(tree, name, book)]
        elif name == "url":
            found = [*found, Part("url", "uri", fixed=url.partition("|")[0])]
    return found


def _is_bare(part: Part) -> bool:
    return (
        part.fixed is None
        and part.pattern is None
        and part.binding is None
        and not part.children
        and not part.types
        and part.most != 0
        and not part.least
    )


def _call(part: Part, call: Call, book: "Book") -> list[Part]:
    if call.name == "resolve":
        urls = [url for entry in part.types or () for url in entry.get("targetProfile", ())]
        targets = [Part("Resource", book.type_of_profile(url)) for url in urls]
        for target, url in zip(targets, urls, strict=True):
            target.types = [{"code": target.type_ or "Resource", "profile": [url]}]
        return targets
    if call.name == "ofType" and call.arguments:
        wanted = call.arguments[0]
        name = wanted.name if isinstance(wanted, Name) else ""
        slices = [one for one in part.slices.values() if one.type_ == name]
        return slices or [part]
    if call.name == "extension" and call.arguments and isinstance(call.arguments[0], Literal):
        url = call.arguments[0].values[0]
        holder = part.children.get("extension")
        for one in holder.slices.values() if holder else ():
            stated = one.children.get("url")
            if url in one.profiles() or (stated is not None and stated.fixed == url):
                return [one]
    return [part] if call.name in ("first", "single") else []


def satisfies(part: Part, node: Node, run: Run, book: "Book") -> bool:
    """Say whether a value has what a part fixes: values, patterns, codes of required bindings."""
    value: Any = node.value
    if part.fixed is not None and value != part.fixed:
        return False
    if part.pattern is not None and not meets_pattern(value, part.pattern):
        return False
    binding = part.binding
    if binding is not None and binding.get("strength") == "required" and part.fixed is None:
        verdict = book.member_of(str(binding.get("valueSet")), value)
        if verdict is False:
            return False
    if type(value) is not dict:
        return True
    for child in part.children.values():
        if not _child_satisfies(child, value, node.type, run, book):
            return False
    return True


def _child_satisfies(part: Part, owner: Resource, type_: str, run: Run, book: "Book") -> bool:
    items = gather(owner, type_, part.name, (None, type_, None), run.model)
    if part.most == 0 and items:
        return False
    candidates = list(part.slices.values()) or [part]
    for one in candidates:
        needed = one.least or part.least
        if not items:
            if needed:
                return False
        elif (needed or part.fixed is not None or part.pattern is not None) and not any(
            satisfies(one, item.node, run, book) for item in items
        ):
            return False
    return True
