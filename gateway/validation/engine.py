"""A release compiled: types, terminology and model together, and how a resource is walked."""

from typing import Any

from gateway.fhir.fhirpath import Context, Model, Node
from gateway.records import Resource
from gateway.validation import narrative
from gateway.validation.artefacts import Artefacts
from gateway.validation.bundles import check_bundle
from gateway.validation.contained import check_contained
from gateway.validation.places import Trail
from gateway.validation.references import check_links, entries_of, resolve
from gateway.validation.run import Options, Run, Scope
from gateway.validation.terminology import Terminology
from gateway.validation.types_ import Types


class Engine:
    """Everything compiled from one set of artefacts; it may be shared by threads."""

    def __init__(self, artefacts: Artefacts, resource_types: frozenset[str]) -> None:
        self.artefacts = artefacts
        self.resource_types = resource_types
        self.model = Model(artefacts)
        self.terminology = Terminology(artefacts)
        self.types = Types(artefacts, self.model, self.terminology)
        self.types.resource_rule = self._nested

    def run(self, resource: Any, options: Options) -> Run:
        """Walk one resource with everything in it; profiles come after."""
        run = Run(self.model, options, self)
        named = resource.get("resourceType") if isinstance(resource, dict) else None
        if type(named) is not str or named not in self.resource_types:
            run.report("GW-4009", (None, named if type(named) is str and named else "?", None))
            return run
        trail: Trail = (None, named, None)
        try:
            self._walk(resource, trail, run, Scope(resource, resource, trail))
        except RecursionError:
            run.report("GW-4011", trail, limit=200)
        return run

    def _walk(self, resource: Resource, trail: Trail, run: Run, scope: Scope) -> None:
        outer, run.scope = run.scope, scope
        outer_bundle, outer_links = run.bundle, run.links
        named = resource["resourceType"]
        if named == "Bundle":
            run.bundle, run.links = entries_of(resource), []
        self.types.slot(named).check(resource, trail, run)
        if "contained" in resource and scope.root is resource:
            check_contained(resource, trail, run)
        if named == "Bundle":
            check_bundle(resource, trail, run)
            check_links(run.links, run)
            run.bundle, run.links = outer_bundle, outer_links
        elif outer is None:
            check_links(run.links, run)
        run.scope = outer

    def _nested(self, value: Any, owner: Resource, trail: Trail, run: Run) -> None:
        """Walk a resource inside another: contained, a Bundle's entry, a parameter."""
        named = value.get("resourceType") if type(value) is dict else None
        if type(named) is not str or named not in self.resource_types:
            run.report("GW-4009" if value else "GW-4005", trail)
            return
        outer = run.scope
        if trail[1] == "contained" and outer is not None:
            scope = Scope(value, outer.root, trail, outer.full_url)
        else:
            url = owner.get("fullUrl")
            scope = Scope(value, value, trail, url if type(url) is str else None)
        self._walk(value, trail, run, scope)

    def check_extension(self, value: Resource, trail: Trail, run: Run) -> None:
        """Check an extension against its definition."""

    def context(self, run: Run, scope: Scope) -> Context:
        """Make the FHIRPath surroundings of a scope."""

        def find(reference: str) -> Resource | None:
            return resolve(reference, scope, run)

        return Context(
            self.model,
            resource=scope.resource,
            root=scope.root,
            resolve=find,
            member_of=self._member_of,
            html=_is_proper,
            now=run.options.now,
        )

    def _member_of(self, url: str, value: Any) -> bool | None:
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


def _is_proper(text: str) -> bool:
    return not narrative.read(text).problems


__all__ = ["Engine", "Node"]
