"""Compile HL7's R4 definitions into the one file that the package ships, gateway/fhir/data/r4.bin.

    python scripts/compile_definitions.py [PACKAGE]

PACKAGE is a folder or .tgz of ``hl7.fhir.r4.core`` or ``hl7.fhir.r4.examples`` (both CC0 and
published by HL7; the second holds all definitions too). Without it the script runs
``npm pack hl7.fhir.r4.examples@4.0.1`` in a temporary folder. Repackaged definitions are refused:
the well-known ones add elements of R4B and R5 or rewrite invariants.

The output is deterministic: everything is sorted, nothing is dated.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

Resource = dict[str, Any]

TARGET = Path(__file__).resolve().parent.parent / "gateway" / "fhir" / "data" / "r4.bin"
MAGIC = b"GWR4\x01"
RELEASE = "4.0.1"
PACKAGE = f"hl7.fhir.r4.examples@{RELEASE}"

ELEMENT_KEYS = (
    "id",
    "path",
    "representation",
    "sliceName",
    "sliceIsConstraining",
    "short",
    "slicing",
    "min",
    "max",
    "base",
    "contentReference",
    "type",
    "meaningWhenMissing",
    "maxLength",
    "constraint",
    "mustSupport",
    "isModifier",
    "isSummary",
    "binding",
)
VALUE_KEYS = ("fixed", "pattern", "minValue", "maxValue", "defaultValue")
STRUCTURE_KEYS = (
    "resourceType",
    "id",
    "url",
    "version",
    "name",
    "title",
    "status",
    "kind",
    "abstract",
    "context",
    "contextInvariant",
    "type",
    "baseDefinition",
    "derivation",
)
CONSTRAINT_KEYS = ("key", "severity", "human", "expression", "source", "extension")
MAX_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
# R4 names the two components of this parameter the wrong way round: its code is said to be the
# reference, its target the token.
SWAPPED_COMPONENTS = "http://hl7.org/fhir/SearchParameter/DocumentReference-relationship"
# Logical patterns of the specification's own design; nobody exchanges them.
PATTERNS = frozenset({"Definition", "Event", "FiveWs", "MetadataResource", "Request"})


def pick(source: Resource, keys: tuple[str, ...]) -> Resource:
    """Copy the named members that are there, in the order of ``keys``."""
    return {key: source[key] for key in keys if key in source}


def prune_element(element: Resource) -> Resource:
    """Keep of an ElementDefinition what a validator, a reader or a form needs."""
    kept = pick(element, ELEMENT_KEYS)
    kept.update({k: v for k, v in element.items() if k.startswith(VALUE_KEYS)})
    if "constraint" in kept:
        kept["constraint"] = [pick(c, CONSTRAINT_KEYS) for c in kept["constraint"]]
    if "binding" in kept:
        binding = pick(kept["binding"], ("strength", "valueSet"))
        bounds = [e for e in kept["binding"].get("extension", ()) if e["url"] == MAX_VALUE_SET]
        kept["binding"] = {**binding, **({"extension": bounds} if bounds else {})}
    return kept


def prune_structure(resource: Resource) -> Resource:
    """Keep a StructureDefinition's identity and its snapshot."""
    elements = [prune_element(e) for e in resource["snapshot"]["element"]]
    return {**pick(resource, STRUCTURE_KEYS), "snapshot": {"element": elements}}


def prune_concept(concept: Resource) -> Resource:
    """Keep code, texts, Chinese designations, properties and children."""
    kept = pick(concept, ("code", "display", "definition", "property"))
    chinese = [
        pick(d, ("language", "value"))
        for d in concept.get("designation", ())
        if str(d.get("language", "")).startswith("zh")
    ]
    if chinese:
        kept["designation"] = chinese
    if "concept" in concept:
        kept["concept"] = [prune_concept(c) for c in concept["concept"]]
    return kept


TERMINOLOGY_KEYS = ("resourceType", "id", "url", "version", "name", "title", "status")


def prune_code_system(resource: Resource) -> Resource:
    """Keep a CodeSystem's identity, rules and concepts."""
    rules = ("caseSensitive", "valueSet", "hierarchyMeaning", "compositional", "content")
    kept = pick(resource, (*TERMINOLOGY_KEYS, *rules, "supplements", "property"))
    if "concept" in resource:
        kept["concept"] = [prune_concept(c) for c in resource["concept"]]
    return kept


def prune_value_set(resource: Resource) -> Resource:
    """Keep a ValueSet's identity, its compose and the few published expansions."""
    kept = pick(resource, (*TERMINOLOGY_KEYS, "immutable"))
    compose = resource.get("compose", {})
    kept["compose"] = {
        part: [prune_include(entry) for entry in compose[part]]
        for part in ("include", "exclude")
        if part in compose
    }
    if "expansion" in resource:
        kept["expansion"] = pick(resource["expansion"], ("parameter", "contains"))
    return kept


def prune_include(include: Resource) -> Resource:
    """Keep what an include or exclude selects."""
    kept = pick(include, ("system", "version", "filter", "valueSet"))
    if "concept" in include:
        kept["concept"] = [prune_concept(c) for c in include["concept"]]
    return kept


def prune_concept_map(resource: Resource) -> Resource:
    """Keep a ConceptMap's identity, its two sides and its groups."""
    sides = ("sourceUri", "sourceCanonical", "targetUri", "targetCanonical")
    return pick(resource, (*TERMINOLOGY_KEYS, *sides, "group"))


def prune_search_parameter(resource: Resource) -> Resource:
    """Keep what an index and a query need."""
    keys = ("url", "code", "type", "base", "expression", "target", "component", "comparator")
    kept = pick(resource, keys)
    if kept["url"] == SWAPPED_COMPONENTS:
        first, second = kept["component"]
        kept["component"] = [
            {**first, "definition": second["definition"]},
            {**second, "definition": first["definition"]},
        ]
    return kept


def prune_compartment(resource: Resource) -> Resource:
    """Keep which parameters of which types put a resource into the compartment."""
    kept = pick(resource, ("resourceType", "id", "url", "version", "code", "search"))
    kept["resource"] = [pick(r, ("code", "param")) for r in resource["resource"]]
    return kept


def prune_operation(resource: Resource) -> Resource:
    """Keep an operation's signature."""
    keys = ("resourceType", "id", "url", "version", "name", "title", "status", "kind", "code")
    scope = ("affectsState", "resource", "system", "type", "instance")
    kept = pick(resource, (*keys, *scope))
    kept["parameter"] = [prune_parameter(p) for p in resource.get("parameter", ())]
    return kept


def prune_parameter(parameter: Resource) -> Resource:
    """Keep name, direction, cardinality and type of an operation's parameter."""
    keys = ("name", "use", "min", "max", "type", "targetProfile", "searchType", "binding")
    kept = pick(parameter, keys)
    if "part" in parameter:
        kept["part"] = [prune_parameter(p) for p in parameter["part"]]
    return kept


def is_structure(resource: Resource) -> bool:
    """Say whether it is a definition of the standard (an example has no snapshot)."""
    return "snapshot" in resource and resource["name"] not in PATTERNS


def is_search_parameter(resource: Resource) -> bool:
    """Say whether it is in HL7's own list: no example, none that an extension pack adds."""
    packs = ("-extensions-", "-genetic-")
    return resource.get("version") == RELEASE and not any(p in resource["url"] for p in packs)


def is_published(resource: Resource) -> bool:
    """Say whether it is part of the standard and no example."""
    return not str(resource["url"]).endswith("/example")


def is_published_map(resource: Resource) -> bool:
    """Say whether a ConceptMap is the standard's own; the others are examples by numbers."""
    name = str(resource.get("url", "")).removeprefix("http://hl7.org/fhir/ConceptMap/")
    return name.startswith(("cm-", "sc-"))


SECTIONS: dict[str, tuple[str, Callable[[Resource], bool], Callable[[Resource], Resource]]] = {
    "structures": ("StructureDefinition", is_structure, prune_structure),
    "value_sets": ("ValueSet", is_published, prune_value_set),
    "code_systems": ("CodeSystem", is_published, prune_code_system),
    "concept_maps": ("ConceptMap", is_published_map, prune_concept_map),
    "search_parameters": ("SearchParameter", is_search_parameter, prune_search_parameter),
    "compartments": ("CompartmentDefinition", is_published, prune_compartment),
    "operations": ("OperationDefinition", is_published, prune_operation),
}


def read_files(package: Path) -> Iterator[tuple[str, bytes]]:
    """Yield file names and contents of a package, unpacked or as a .tgz."""
    if package.is_dir():
        inner = package / "package" if (package / "package").is_dir() else package
        for path in sorted(inner.glob("*.json")):
            yield path.name, path.read_bytes()
        return
    with tarfile.open(package) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name.endswith(".json") else None
            if content is not None:
                yield Path(member.name).name, content.read()


def read_package(package: Path) -> tuple[str, dict[str, list[Resource]]]:
    """Read the definitions by resource type, and the package's name and version."""
    wanted = {type_ for type_, _, _ in SECTIONS.values()}
    found: dict[str, list[Resource]] = {type_: [] for type_ in wanted}
    source = ""
    for name, content in read_files(package):
        if name == "package.json":
            about = json.loads(content)
            source = f"{about['name']}@{about['version']}"
        elif name.partition("-")[0] in wanted:
            resource = json.loads(content)
            found[resource["resourceType"]].append(resource)
    if not source.startswith("hl7.fhir.r4.") or not source.endswith(f"@{RELEASE}"):
        raise SystemExit(f"{package} is not an R4 {RELEASE} package of HL7 but {source or 'none'}")
    return source, found


def compile_section(section: str, resources: list[Resource]) -> dict[str, Resource]:
    """Prune and sort one section by canonical URL; of two versions the newer one stays."""
    _, is_kept, prune = SECTIONS[section]
    compiled: dict[str, Resource] = {}
    for resource in sorted(resources, key=lambda r: (r["url"], r.get("version", ""))):
        if is_kept(resource):
            compiled[resource["url"].partition("|")[0]] = prune(resource)
    return dict(sorted(compiled.items()))


def list_types(structures: dict[str, Resource]) -> dict[str, list[str]]:
    """List the concrete types by kind, so that nobody has to read all definitions for them."""
    types: dict[str, list[str]] = {}
    for url, structure in structures.items():
        # A type's own definition stands under its name; profiles and extensions do not.
        if url.rpartition("/")[2] == structure["type"] and not structure["abstract"]:
            types.setdefault(structure["kind"], []).append(structure["type"])
    return types


def write(source: str, sections: dict[str, dict[str, Resource]], target: Path) -> None:
    """Write magic, length of the header, header, and the sections one by one compressed."""
    blobs, table, offset = [], {}, 0
    for name, section in sections.items():
        blob = zlib.compress(msgspec.msgpack.encode(section), 9)
        table[name] = (offset, len(blob))
        blobs.append(blob)
        offset += len(blob)
    about = {"release": RELEASE, "source": source, "types": list_types(sections["structures"])}
    header = msgspec.msgpack.encode({**about, "sections": table})
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(MAGIC + len(header).to_bytes(4, "big") + header + b"".join(blobs))


def fetch(folder: Path) -> Path:
    """Fetch HL7's package into a folder with the npm client."""
    subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=folder, check=True)
    return next(folder.glob("*.tgz"))


def main(arguments: list[str]) -> None:
    """Compile and say what was written."""
    with tempfile.TemporaryDirectory() as temporary:
        package = Path(arguments[0]) if arguments else fetch(Path(temporary))
        source, found = read_package(package)
    sections = {
        name: compile_section(name, found[type_]) for name, (type_, _, _) in SECTIONS.items()
    }
    write(source, sections, TARGET)
    counts = ", ".join(f"{len(section)} {name}" for name, section in sections.items())
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes from {source}: {counts}")


if __name__ == "__main__":
    main(sys.argv[1:])
