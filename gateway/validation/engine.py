"""A release compiled: types, terminology and model together, and how a resource is walked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.errors import issue
from gateway.fhir.fhirpath import Context, Model, Node
from gateway.fhir.terminology import Terminology
from gateway.records import Resource
from gateway.validation import narrative
from gateway.validation.artefacts import Artefacts, Layered
from gateway.validation.bundles import check_bundle
from gateway.validation.conformance import check_conformance
from gateway.validation.contained import check_contained
from gateway.validation.extensions import ExtensionRule, check_extension
from gateway.validation.measures import check_measure, check_measure_report
from gateway.validation.places import Trail
from gateway.validation.profiles.book import Book
from gateway.validation.profiles.items import Item
from gateway.validation.questionnaires import check_answers
from gateway.validation.references import check_links, check_target_type, entries_of, resolve
from gateway.validation.run import (
    MAX_FINDINGS,
    Link,
    Options,
    Run,
    Scope,
    TooManyFindings,
)
from gateway.validation.types_ import Types
from gateway.validation.vital_signs import vital_sign

_CORE = "http://hl7.org/fhir/StructureDefinition/"


class Engine:
    """Everything compiled from one set of artefacts; it may be shared by threads."""

    def __init__(
        self, artefacts: Artefacts, resource_types: frozenset[str], parent: "Engine | None" = None
    ) -> None:
        self.artefacts = artefacts
        self.resource_types = resource_types
        own = artefacts.own if isinstance(artefacts, Layered) else {}
        kinds = {type_ for type_, _ in own}
        # Types are made of the release alone, so the base's compiled ones serve unless redefined.
        is_plain = parent is not None and not any(
            url.startswith(_CORE) and "/" not in url.removeprefix(_CORE) for _, url in own
        )
        self.model: Model = parent.model if parent and is_plain else Model(artefacts)
        self.types: Types = parent.types if parent and is_plain else Types(artefacts, self.model)
        has_codes = bool(kinds & {"ValueSet", "CodeSystem"})
        self.terminology: Terminology = (
            parent.terminology if parent and not has_codes else Terminology(artefacts)
        )
        self.book = Book(self)
        self.good_codings: set[tuple[str, str, str | None]] = set()
        self.extensions: dict[str, ExtensionRule | None] = {}

    def run(self, resource: Any, options: Options, profiles: Sequence[str] = ()) -> Run:
        """Check one resource with everything in it, then against the profiles asked for."""
        run = Run(self.model, options, self)
        named = resource.get("resourceType") if isinstance(resource, dict) else None
        if type(named) is not str or named not in self.resource_types:
            run.report("GW-4009", (None, named if type(named) is str and named else "?", None))
            return run
        trail: Trail = (None, named, None)
        try:
            scope = Scope(resource, resource, trail)
            if named == "Bundle":
                run.bundle = entries_of(resource)
            self._walk(resource, trail, run, scope)
            self._enter_profiles(resource, trail, run, scope, profiles)
        except RecursionError:
            run.report("GW-4011", trail, limit=200)
        except TooManyFindings:
            run.issues.append(issue("GW-4015", "error", expression=named, limit=MAX_FINDINGS))
        if run.warnings > MAX_FINDINGS:
            run.issues.append(issue("GW-4015", "warning", expression=named, limit=MAX_FINDINGS))
        return run

    def _walk(self, resource: Resource, trail: Trail, run: Run, scope: Scope) -> None:
        outer, run.scope = run.scope, scope
        outer_bundle, outer_links = run.bundle, run.links
        run.scopes[id(resource)] = scope
        named = resource["resourceType"]
        if named == "Bundle":
            run.bundle, run.links = entries_of(resource), []
        self.types.slot(named).check(resource, trail, run)
        if "contained" in resource and scope.root is resource and run.options.checks_contained:
            check_contained(resource, trail, run)
        further = _FURTHER.get(named)
        if further is not None:
            further(resource, trail, run, self)
        if named == "Bundle":
            check_bundle(resource, trail, run)
            check_links(run.links, run)
            run.bundle, run.links = outer_bundle, outer_links
        elif outer is None:
            check_links(run.links, run)
        self._enter_stated(resource, trail, run)
        run.scope = outer

    def _enter_stated(self, resource: Resource, trail: Trail, run: Run) -> None:
        """Check a resource against the profiles that its ``meta.profile`` names."""
        meta = resource.get("meta")
        stated = meta.get("profile") if type(meta) is dict else None
        for index, url in enumerate(stated if type(stated) is list else ()):
            if type(url) is not str:
                continue
            item = Item(resource, None, resource["resourceType"], trail)
            if not self.book.enter(item, url, run):
                inner: Trail = (trail, "meta", None)
                run.report("GW-4312", inner, "profile", index, severity="warning", profile=url)

    def _enter_profiles(
        self, resource: Resource, trail: Trail, run: Run, scope: Scope, profiles: Sequence[str]
    ) -> None:
        """Check against the profiles that the caller asks for; an unknown one is an error."""
        run.scope = scope
        item = Item(resource, None, resource["resourceType"], trail)
        for url in profiles:
            if not self.book.enter(item, url, run):
                run.report("GW-4312", trail, profile=url)
        for rule, url in run.options.bundle_rules:
            entry = _ruled(resource, rule)
            if entry is not None and entry[1]:
                inner = ((trail, "entry", entry[0]), "resource", None)
                aimed = Item(entry[1], None, str(entry[1].get("resourceType")), inner)
                if not self.book.enter(aimed, url, run):
                    run.report("GW-4312", inner, profile=url)
        run.scope = None

    def find(self, reference: str, run: Run) -> Resource | None:
        """Find what a reference of the resource under check names."""
        return None if run.scope is None else resolve(reference, run.scope, run)

    def find_definition(self, type_: str, url: str, run: Run) -> Resource | None:
        """Find a definition that a resource answers to: contained, in its Bundle, or loaded."""
        found = self.find(url, run) if url[:1] == "#" or run.bundle is not None else None
        if found is None and isinstance(self.artefacts, Layered):
            found = self.artefacts.resource(type_, url)
        return found if found is not None and found.get("resourceType") == type_ else None

    def check_target(self, item: Item, allowed: frozenset[str], run: Run) -> None:
        """Check the type that a reference points to against a profile's list."""
        if run.scope is not None:
            check_target_type(Link(item.value, allowed, item.trail, run.scope), run)

    def nested(self, value: Any, owner: Resource, trail: Trail, run: Run) -> None:
        """Walk a resource inside another: contained, a Bundle's entry, a parameter."""
        named = value.get("resourceType") if type(value) is dict else None
        if type(named) is not str or named not in self.resource_types:
            run.report("GW-4009" if value else "GW-4005", trail)
            return
        outer, before = run.scope, len(run.issues)
        if trail[1] == "contained" and outer is not None:
            if not run.options.checks_contained:
                return
            scope = Scope(value, outer.root, trail, outer.full_url)
        else:
            url = owner.get("fullUrl")
            scope = Scope(value, value, trail, url if type(url) is str else None)
        self._walk(value, trail, run, scope)
        run.enclose(before)

    def check_extension(self, value: Resource, trail: Trail, run: Run) -> None:
        """Check an extension against its definition."""
        check_extension(value, trail, run, self)

    def context(self, run: Run, scope: Scope) -> Context:
        """Make the FHIRPath surroundings of a scope."""

        def find(reference: str) -> Resource | None:
            return resolve(reference, scope, run)

        def conforms(node: Node, url: str) -> bool | None:
            if self.artefacts.structure(url) is None:
                return None
            return self.book.conforms(node, url, run)

        return Context(
            self.model,
            resource=scope.resource,
            root=scope.root,
            resolve=find,
            member_of=self.member_of,
            conforms_to=conforms,
            html=_is_proper,
            now=run.options.now,
        )

    def member_of(self, url: str, value: Any) -> bool | None:
        """Ask a value set about a code, Coding or CodeableConcept; None where it cannot say."""
        expansion = self.terminology.expansion(url)
        if expansion is None:
            return None
        if isinstance(value, str):
            return expansion.has_code(value)
        if not isinstance(value, dict):
            return False
        codings = value.get("coding", [value])
        verdicts = [
            expansion.contains(str(one.get("system", "")), one["code"])
            for one in codings
            if isinstance(one, dict) and isinstance(one.get("code"), str)
        ]
        if True in verdicts:
            return True
        return None if None in verdicts else False


def _ruled(bundle: Resource, rule: str) -> tuple[int, Resource] | None:
    """Find the entry that a rule such as ``Patient:0`` names: the n-th of its type."""
    type_, _, number = rule.partition(":")
    entries = bundle.get("entry")
    left = int(number) if number.isdigit() else 0
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") == type_:
            if left == 0:
                return index, resource
            left -= 1
    return None


def _is_proper(text: str) -> bool:
    return not narrative.read(text).problems


def _check_vital_signs(resource: Resource, trail: Trail, run: Run, engine: Engine) -> None:
    """Hold an Observation with a vital sign's code to its profile, as R4 demands of it."""
    url = vital_sign(resource)
    if url is not None:
        engine.book.enter(Item(resource, None, "Observation", trail), url, run)


def _check_measure(resource: Resource, trail: Trail, run: Run, _: Engine) -> None:
    check_measure(resource, trail, run)


_FURTHER: Mapping[str, Callable[[Resource, Trail, Run, Engine], None]] = {
    "SearchParameter": check_conformance,
    "StructureDefinition": check_conformance,
    "QuestionnaireResponse": check_answers,
    "Observation": _check_vital_signs,
    "Measure": _check_measure,
    "MeasureReport": check_measure_report,
}
"""What single types ask beyond their definitions."""
