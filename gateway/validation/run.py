"""One validation in progress: its findings, and which resource it is in."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.errors import issue
from gateway.fhir.fhirpath import Context, Model
from gateway.records import Issue, Resource, Severity
from gateway.validation.places import Trail, expression


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller may ask for beyond the rules.

    ``best_practice`` reports R4's best-practice rules (dom-6: no narrative) as warnings.
    ``allows_examples`` lets example.org urls stand. ``is_strict_security`` turns risky text into
    errors. ``unknown_extension`` is the severity of an extension whose definition is not known.
    ``fetch`` finds what a reference outside the bundle names (the same object each time), so that
    the profiles of its target can be asked. ``bundle_rules`` are (``Type:index``, profile) pairs
    for entries. ``now`` is the moment of ``now()``.
    """

    best_practice: bool = False
    allows_examples: bool = True
    is_strict_security: bool = False
    unknown_extension: Severity = "warning"
    extension_domains: tuple[str, ...] = ()
    checks_contained: bool = True
    bundle_rules: tuple[tuple[str, str], ...] = ()
    now: datetime | None = None
    fetch: Callable[[str], Resource | None] | None = None


@dataclass(slots=True)
class Scope:
    """One resource under check: itself, the resource that contains it, and its entry's url."""

    resource: Resource
    root: Resource
    trail: Trail
    full_url: str | None = None
    context: Context | None = None
    contained: dict[str, Resource] | None = None


@dataclass(slots=True)
class Link:
    """A reference that was met: where, what it may point to, from which resource."""

    value: Resource
    targets: frozenset[str] | None
    trail: Trail
    scope: Scope


MAX_FINDINGS = 2_000
"""So many errors nobody reads: what is left of such a resource is not checked. Further warnings
are left out, which makes no valid resource invalid."""


class TooManyFindings(Exception):  # noqa: N818 - it ends a check, it is no error.
    """Ends a check whose resource has more findings than anybody reads."""


@dataclass(slots=True)
class Run:
    """The state of one ``check``; closures get it as their last argument."""

    model: Model
    options: Options
    engine: Any
    issues: list[Issue] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    scope: Scope | None = None
    bundle: Any = None
    profiled: set[tuple[int, str]] = field(default_factory=set)
    depth: int = 0
    cache: dict[Any, Any] = field(default_factory=dict)
    scopes: dict[int, Scope] = field(default_factory=dict)
    warnings: int = 0
    spent: set[str] = field(default_factory=set)
    inner: list[tuple[int, int]] = field(default_factory=list)

    def report(
        self,
        number: str,
        trail: Trail | None,
        name: str | None = None,
        index: int | None = None,
        severity: Severity = "error",
        **details: Any,
    ) -> None:
        """Add a finding at a trail, or at a member of it."""
        if severity not in ("error", "fatal"):
            self.warnings += 1
            if self.warnings > MAX_FINDINGS:
                return
        elif len(self.issues) - self.warnings >= MAX_FINDINGS:
            raise TooManyFindings
        where = expression(trail, name, index)
        details.setdefault("element", where)
        self.issues.append(issue(number, severity, expression=where, **details))

    def enclose(self, start: int) -> None:
        """Mark the findings since ``start`` as those of a resource inside the one under check."""
        if len(self.issues) > start:
            while self.inner and self.inner[-1][0] >= start:
                self.inner.pop()
            self.inner.append((start, len(self.issues)))

    def own_issues(self, start: int) -> Iterator[Issue]:
        """Give the findings since ``start`` but those inside enclosed resources."""
        at = start
        for first, last in self.inner:
            if first >= start:
                yield from self.issues[at:first]
                at = last
        yield from self.issues[at:]

    def context(self) -> Context:
        """Give the FHIRPath surroundings of the resource under check."""
        scope = self.scope
        if scope is None:
            return Context(self.model, now=self.options.now)
        if scope.context is None:
            scope.context = self.engine.context(self, scope)
        found: Context = scope.context
        return found


NO_VARIABLES: Mapping[str, Any] = {}
