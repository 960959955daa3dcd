"""Validation of FHIR R4 resources, compiled to closures from the StructureDefinitions.

``Validator(load()).check(resource)`` gives every finding; none means valid. Types are compiled
when they are first met; the same ``Validator`` may be used by several threads.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from gateway.fhir.terminology import Terminology
from gateway.records import Issue, Resource
from gateway.validation.artefacts import Artefacts, Layered
from gateway.validation.engine import Engine
from gateway.validation.run import Options

__all__ = ["Options", "Validator"]


class Release(Artefacts, Protocol):
    """Definitions of a whole release (``gateway.fhir.definitions.load()``)."""

    @property
    def resource_types(self) -> frozenset[str]:
        """The names of all resource types."""


_SHAPE = frozenset({"GW-4003", "GW-4004", "GW-4005", "GW-4006", "GW-4009", "GW-4010", "GW-4011"})
"""What is not an object, list or text where R4 has one."""


class Validator:
    """Checks resources against R4 and profiles; it conforms to ``records.Checks``."""

    def __init__(
        self,
        definitions: Release,
        packages: Iterable[Resource] = (),
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Take a release and what is laid over it; ``clock`` serves rules that ask ``now()``."""
        self._definitions = definitions
        self._clock = clock
        self._packages = tuple(packages)
        self._release = Engine(definitions, definitions.resource_types)
        self._engine = self._wider(self._release) if self._packages else self._release

    @property
    def terminology(self) -> Terminology:
        """The codes that the bindings are checked against."""
        return self._engine.terminology

    def with_definitions(self, resources: Iterable[Resource]) -> "Validator":
        """Give a validator that knows further conformance resources; this one stays as it is.

        Both share the compiled types; what is laid over the release is compiled on first use.
        """
        wider = object.__new__(Validator)
        wider._definitions, wider._clock = self._definitions, self._clock
        wider._release = self._release
        wider._packages = (*self._packages, *resources)
        wider._engine = wider._wider(self._engine)
        return wider

    def _wider(self, compiled: Engine) -> Engine:
        artefacts = Layered(self._definitions, self._packages, self._is_sound)
        return Engine(artefacts, self._definitions.resource_types, compiled)

    def _is_sound(self, definition: Resource) -> bool:
        """Say whether a definition has the shape of its type, so that it can be compiled."""
        found = self._release.run(definition, Options()).issues
        # A differential may well be empty.
        return not any(
            one.number in _SHAPE and not str(one.expression).endswith("differential.element")
            for one in found
        )

    def knows(self, definition: Resource) -> bool:
        """Say whether a definition's canonical url is taken already."""
        type_, url = str(definition.get("resourceType")), definition.get("url")
        if not isinstance(url, str):
            return False
        artefacts = self._engine.artefacts
        find = {
            "StructureDefinition": artefacts.structure,
            "ValueSet": artefacts.value_set,
            "CodeSystem": artefacts.code_system,
        }.get(type_)
        if find is not None:
            return find(url) is not None
        return isinstance(artefacts, Layered) and artefacts.resource(type_, url) is not None

    def check(
        self,
        resource: Any,
        profiles: Sequence[str] = (),
        options: Options | None = None,
    ) -> list[Issue]:
        """Give the findings of one resource, a Bundle with all its entries.

        ``profiles`` are canonical urls that the resource is checked against, besides those of its
        own ``meta.profile``. Never raises for whatever JSON value it is given.
        """
        if options is None:
            options = Options(now=self._clock() if self._clock else None)
        return self._engine.run(resource, options, profiles).issues
