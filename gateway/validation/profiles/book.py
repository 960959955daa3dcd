"""All profiles of an engine: compiled on demand, asked for conformance, entered once per value."""

from typing import TYPE_CHECKING, Any

from gateway.fhir.fhirpath import Node
from gateway.fhir.fhirpath.model import type_code
from gateway.records import Resource
from gateway.validation.places import Trail
from gateway.validation.profiles.compiled import Compiled, ItemCheck, check_item, compile_part
from gateway.validation.profiles.items import Item
from gateway.validation.profiles.tree import Part, ProfileError, Trees
from gateway.validation.run import Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_CORE = "http://hl7.org/fhir/StructureDefinition/"


class Book:
    """The profiles of one engine."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._trees = Trees(engine.artefacts, engine.model)
        self._compiled: dict[str, Compiled | None] = {}

    def tree(self, url: str) -> Part | None:
        """Give a profile's tree; None when it is not loaded; raise ProfileError."""
        return self._trees.tree(url)

    def type_of_profile(self, url: str) -> str:
        """Name the type a profile (or core type url) is for; ``Resource`` when it is not known."""
        definition = self._engine.artefacts.structure(url)
        return str(definition.get("type", "Resource")) if definition else "Resource"

    def member_of(self, url: str, value: Any) -> bool | None:
        """Ask a value set."""
        return self._engine.member_of(url, value)

    def compiled(self, url: str) -> Compiled | None:
        """Give a profile's checks; None when it is not loaded; raise ProfileError."""
        if url not in self._compiled:
            tree = self.tree(url)
            if tree is None:
                return None
            compiled = compile_part(tree, url, self)
            compiled.imposed = self._imposed(url)
            self._compiled[url] = compiled
        return self._compiled[url]

    def enter(self, item: Item, url: str, run: Run) -> bool:
        """Check a value against a profile, once in a run; False when the profile is not known."""
        mark = (id(item.value), url)
        if mark in run.profiled:
            return True
        run.profiled.add(mark)
        try:
            compiled = self.compiled(url)
        except ProfileError as err:
            run.report("GW-4316", item.trail, profile=url, problem=str(err))
            return True
        if compiled is None:
            run.profiled.discard(mark)
            return False
        type_ = compiled.part.type_ or ""
        if not run.model.is_a(item.type, type_):
            run.report("GW-4313", item.trail, profile=url, expected=type_, found=item.type)
            return True
        check_item(compiled, item, run, url)
        for imposed in compiled.imposed:
            self.enter(item, imposed, run)
        return True

    def _imposed(self, url: str) -> tuple[str, ...]:
        definition = self._engine.artefacts.structure(url) or {}
        return tuple(
            extension["valueCanonical"]
            for extension in definition.get("extension", ())
            if str(extension.get("url", "")).endswith("structuredefinition-imposeProfile")
            and isinstance(extension.get("valueCanonical"), str)
        )

    def conforms(self, node: Node, url: str, run: Run) -> bool:
        """Say whether a value meets a profile; findings are not kept. A circle counts as met."""
        return not self._findings(
            Item(node.value, node.extra, node.type, (None, "?", None)), url, run
        )

    def _findings(self, item: Item, url: str, run: Run) -> list[Any]:
        mark = (id(item.value), url)
        if mark in run.cache:
            found: list[Any] = run.cache[mark]
            return found
        run.cache[mark] = []
        kept, run.issues = run.issues, []
        profiled, run.profiled = run.profiled, set()
        links, run.links = run.links, []
        warnings = run.warnings
        try:
            known = self.enter(item, url, run)
            bad = [one for one in run.issues if one.severity in ("error", "fatal")]
        finally:
            run.issues, run.profiled, run.links = kept, profiled, links
            run.warnings = warnings
        if not known:
            core = url.partition("|")[0].removeprefix(_CORE)
            bad = [] if run.model.is_a(item.type, core) else [None]  # type: ignore[list-item]
        run.cache[mark] = bad
        return bad

    def type_checks(self, part: Part, profile: str) -> list[ItemCheck]:
        """Make the checks of a part's type list: types, their profiles, reference targets."""
        types = part.types or []
        codes = {type_code(entry) for entry in types}
        found: list[ItemCheck] = []
        if codes and "Resource" not in codes and not codes & {"BackboneElement", "Element"}:
            found.append(_types(codes, profile))
        if part.profiles() and part.type_ != "Extension":
            found.append(self._profiles(types))
        elif part.profiles():
            found.append(self._extension_profiles(part.profiles()))
        if "Reference" in codes:
            entries = [entry for entry in types if type_code(entry) == "Reference"]
            found.extend(self._references(entries))
        return found

    def _extension_profiles(self, urls: tuple[str, ...]) -> ItemCheck:
        def check(item: Item, run: Run) -> None:
            # A known definition is entered for every extension by its url; here only what is not.
            for url in urls:
                if self._engine.artefacts.structure(url) is None:
                    run.report("GW-4312", item.trail, severity="warning", profile=url)

        return check

    def _profiles(self, types: list[Resource]) -> ItemCheck:
        def check(item: Item, run: Run) -> None:
            urls = [
                url
                for entry in types
                if run.model.is_a(item.type, type_code(entry))
                for url in entry.get("profile", ())
            ]
            if len(urls) == 1:
                if not self.enter(item, urls[0], run):
                    run.report("GW-4312", item.trail, profile=urls[0])
            elif urls and all(self._findings(item, url, run) for url in urls):
                run.report("GW-4311", item.trail, allowed=", ".join(urls))

        return check

    def _references(self, entries: list[Resource]) -> list[ItemCheck]:
        urls = [url for entry in entries for url in entry.get("targetProfile", ())]
        aggregation = {one for entry in entries for one in entry.get("aggregation", ())}
        found: list[ItemCheck] = []
        if urls:
            found.append(self._targets(urls))
        if aggregation:
            found.append(_aggregation(aggregation, self._engine))
        return found

    def _targets(self, urls: list[str]) -> ItemCheck:
        types = {url: self.type_of_profile(url) for url in urls}
        allowed = frozenset(types.values())
        profiles = [url for url in urls if not self._is_core(url)]

        def check(item: Item, run: Run) -> None:
            reference = item.value.get("reference") if type(item.value) is dict else None
            if type(reference) is not str or not reference:
                return
            before = len(run.issues)
            if "Resource" not in allowed:
                self._engine.check_target(item, allowed, run)
            if not profiles or len(run.issues) > before:
                return
            target = self._engine.find(reference, run)
            if target is None or (
                len(profiles) < len(urls)
                and any(
                    types[url] == target.get("resourceType") for url in urls if self._is_core(url)
                )
            ):
                return
            self._enter_target(item, target, profiles, run)

        return check

    def _enter_target(self, item: Item, target: Resource, profiles: list[str], run: Run) -> None:
        type_ = str(target.get("resourceType"))
        known = run.scopes.get(id(target))
        trail: Trail = known.trail if known else item.trail
        aimed = Item(target, None, type_, trail)
        fitting = [url for url in profiles if self.type_of_profile(url) in (type_, "Resource")]
        if fitting and all(self._findings(aimed, url, run) for url in fitting):
            run.report("GW-4221", item.trail, allowed=", ".join(fitting))

    def _is_core(self, url: str) -> bool:
        definition = self._engine.artefacts.structure(url)
        return definition is not None and definition.get("derivation") != "constraint"


def _types(codes: set[str], profile: str) -> ItemCheck:
    def check(item: Item, run: Run) -> None:
        if not any(run.model.is_a(item.type, code) for code in codes) and "." not in item.type:
            allowed = ", ".join(sorted(codes))
            run.report("GW-4305", item.trail, found=item.type, allowed=allowed, profile=profile)

    return check


def _aggregation(allowed: set[str], engine: "Engine") -> ItemCheck:
    def check(item: Item, run: Run) -> None:
        reference = item.value.get("reference") if type(item.value) is dict else None
        if type(reference) is not str or not reference:
            return
        if reference[:1] == "#":
            kind = "contained"
        else:
            kind = "bundled" if engine.find(reference, run) is not None else "referenced"
        if kind not in allowed and not (kind == "bundled" and "referenced" in allowed):
            run.report("GW-4222", item.trail, allowed=", ".join(sorted(allowed)))

    return check
