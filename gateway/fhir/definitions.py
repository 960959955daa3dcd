"""HL7's R4 definitions, decoded from the package's one file as they are asked for.

``scripts/compile_definitions.py`` writes the file; it holds pruned resources (no narrative, no
differential), still in FHIR's own shape. A section is decompressed on first use, a definition
decoded on first use; both are kept. What is handed out is shared: never change it.
"""

import zlib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

import msgspec

from gateway.fhir.search_additions import ADDITIONS
from gateway.records import Resource

ParameterKind = Literal[
    "number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"
]

_MAGIC = b"GWR4\x01"
_CORE = "http://hl7.org/fhir/StructureDefinition/"
_decode_section = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
_decode_resource = msgspec.msgpack.Decoder().decode


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """One search parameter of a type.

    ``expression`` is HL7's, for all its types together; ``targets`` the types a reference may
    point to; ``components`` of a composite are (URL of the definition, expression).
    """

    url: str
    code: str
    kind: ParameterKind
    expression: str | None
    targets: tuple[str, ...] = ()
    components: tuple[tuple[str, str], ...] = ()


class _Section:
    """One section of the file: canonical URL → resource, each decoded once."""

    def __init__(self, blob: bytes) -> None:
        self._blob = blob
        self._decoded: dict[str, Resource] = {}

    @cached_property
    def _raw(self) -> dict[str, msgspec.Raw]:
        return _decode_section(zlib.decompress(self._blob))

    def __iter__(self) -> Any:
        return iter(self._raw)

    def get(self, canonical: str) -> Resource | None:
        """Give a resource by its URL; a ``|version`` must be the version that is there."""
        url, _, version = canonical.partition("|")
        found = self._decoded.get(url)
        if found is None:
            raw = self._raw.get(url)
            if raw is None:
                return None
            found = self._decoded[url] = _decode_resource(raw)
        if version and found.get("version") not in (version, None):
            return None
        return found


class Definitions:
    """The definitions of one release; see ``load``."""

    def __init__(self, content: bytes) -> None:
        if not content.startswith(_MAGIC):
            raise ValueError("not a file of compiled definitions")
        start = len(_MAGIC) + 4
        body = start + int.from_bytes(content[len(_MAGIC) : start], "big")
        header = msgspec.msgpack.decode(content[start:body])
        self.release: str = header["release"]
        self.source: str = header["source"]
        self._types: dict[str, list[str]] = header["types"]
        self._sections = {
            name: _Section(content[body + offset : body + offset + length])
            for name, (offset, length) in header["sections"].items()
        }

    def structure(self, name_or_url: str) -> Resource | None:
        """Give a StructureDefinition by type name, profile URL or ``URL|version``."""
        section = self._sections["structures"]
        return section.get(name_or_url if ":" in name_or_url else _CORE + name_or_url)

    def structures(self) -> tuple[Resource, ...]:
        """Give all of them: resources, data types, profiles and extensions, by URL."""
        return self._all("structures")

    def value_set(self, url: str) -> Resource | None:
        """Give a ValueSet by URL or ``URL|version``."""
        return self._sections["value_sets"].get(url)

    def value_sets(self) -> tuple[Resource, ...]:
        """Give all ValueSets by URL."""
        return self._all("value_sets")

    def code_system(self, url: str) -> Resource | None:
        """Give a CodeSystem by URL or ``URL|version``."""
        return self._sections["code_systems"].get(url)

    def code_systems(self) -> tuple[Resource, ...]:
        """Give all CodeSystems by URL."""
        return self._all("code_systems")

    def concept_maps(self) -> tuple[Resource, ...]:
        """Give all ConceptMaps by URL."""
        return self._all("concept_maps")

    def operations(self) -> tuple[Resource, ...]:
        """Give all OperationDefinitions by URL."""
        return self._all("operations")

    def compartment(self, name: str) -> Resource:
        """Give the CompartmentDefinition of ``Patient``, ``Encounter``, …; KeyError if none."""
        return self._compartments[name]

    @cached_property
    def resource_types(self) -> frozenset[str]:
        """The names of all resource types that can be exchanged."""
        return frozenset(self._types["resource"])

    @cached_property
    def primitive_types(self) -> frozenset[str]:
        """The names of the primitive data types."""
        return frozenset(self._types["primitive-type"])

    @cached_property
    def data_types(self) -> frozenset[str]:
        """The names of all data types, primitive and complex, abstract ones left out."""
        return frozenset(self._types["complex-type"]) | self.primitive_types

    @cached_property
    def search_parameters(self) -> dict[str, dict[str, SearchParameter]]:
        """The search parameters by type and code; those of the abstract types stand in each."""
        bases: dict[str, dict[str, SearchParameter]] = {}
        for definition in (*self._all("search_parameters"), *ADDITIONS):
            parameter = search_parameter(definition)
            for parent in definition["base"]:
                bases.setdefault(parent, {})[parameter.code] = parameter
        return {
            type_: {
                code: parameter
                for parent in (*self._ancestors(type_), type_)
                for code, parameter in bases.get(parent, {}).items()
            }
            for type_ in sorted(self.resource_types)
        }

    @cached_property
    def search_parameters_by_url(self) -> dict[str, SearchParameter]:
        """The search parameters by canonical URL, as composites name them."""
        known = (*self._all("search_parameters"), *ADDITIONS)
        return {definition["url"]: search_parameter(definition) for definition in known}

    def _ancestors(self, type_: str) -> tuple[str, ...]:
        """Name the abstract types above a resource type, the furthest first."""
        structure = self.structure(type_)
        if structure is None or "baseDefinition" not in structure:
            return ()
        parent = structure["baseDefinition"].removeprefix(_CORE)
        return (*self._ancestors(parent), parent)

    @cached_property
    def _compartments(self) -> dict[str, Resource]:
        return {c["code"]: c for c in self._all("compartments")}

    def _all(self, name: str) -> tuple[Resource, ...]:
        section = self._sections[name]
        return tuple(resource for url in section if (resource := section.get(url)) is not None)


def search_parameter(definition: Resource) -> SearchParameter:
    """Read a SearchParameter resource."""
    return SearchParameter(
        url=definition["url"],
        code=definition["code"],
        kind=definition["type"],
        expression=definition.get("expression"),
        targets=tuple(definition.get("target", ())),
        components=tuple(
            (c["definition"], c["expression"]) for c in definition.get("component", ())
        ),
    )


@cache
def load() -> Definitions:
    """Load HL7's R4 definitions (once per process)."""
    return Definitions(files("gateway.fhir").joinpath("data/r4.bin").read_bytes())
