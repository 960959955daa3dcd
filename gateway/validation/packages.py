"""Conformance resources from files: JSON, XML, Bundles, and FHIR packages (``.tgz``).

A package is read as a stream and nothing of it is ever written to disk, so its paths and links
cannot lead anywhere; sizes are counted before content is read.
"""

import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from gateway.errors import GatewayError
from gateway.fhir import codec, xml
from gateway.records import Place, Resource

KEPT = frozenset(
    {
        "StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "NamingSystem",
        "Questionnaire", "Measure",
    }
)  # fmt: skip
"""The types of a package that validation has a use for."""
LARGEST_MEMBER = 64_000_000
LARGEST_PACKAGE = 1_000_000_000
MOST_MEMBERS = 100_000

_SUFFIXES = frozenset({".json", ".xml", ".tgz"})
_BOM = b"\xef\xbb\xbf"


def expanded(paths: Iterable[Path]) -> Iterator[Path]:
    """Give the files of all paths: of a folder those with a suffix of ours, in order of name."""
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES)
        else:
            yield path


def read_bytes(path: Path) -> bytes:
    """Read a file; raise GatewayError GW-4810."""
    try:
        return path.read_bytes()
    except OSError as err:
        raise GatewayError("GW-4810", file=path.name, problem=type(err).__name__) from err


def decoded(raw: bytes, name: str) -> Resource:
    """Read JSON or XML, whichever it is; raise GatewayError GW-22xx or GW-4009 with its place."""
    plain = raw.removeprefix(_BOM)
    if plain.lstrip()[:1] == b"<":
        return xml.decode(plain)
    value = codec.decode(plain)
    if not isinstance(value, dict):
        raise GatewayError("GW-4009", where=Place("", 1, 1), element=name)
    return value


def read_definitions(paths: Iterable[Path]) -> list[Resource]:
    """Read the conformance resources of files, folders and packages; raise GW-22xx, GW-481x."""
    found: list[Resource] = []
    for path in expanded(paths):
        if path.suffix.lower() == ".tgz":
            found.extend(read_package(path))
            continue
        resource = decoded(read_bytes(path), path.name)
        if resource.get("resourceType") == "Bundle":
            entries = [entry.get("resource") for entry in resource.get("entry", ())]
            found.extend(entry for entry in entries if isinstance(entry, dict))
        else:
            found.append(resource)
    return found


def read_package(path: Path) -> list[Resource]:
    """Read the conformance resources of a FHIR package; raise GW-4811."""
    try:
        with path.open("rb") as stream:
            return list(_members(stream, path.name))
    except OSError as err:
        raise GatewayError("GW-4810", file=path.name, problem=type(err).__name__) from err
    except (tarfile.TarError, EOFError, zlib.error) as err:
        raise GatewayError("GW-4811", file=path.name, problem=type(err).__name__) from err


def _members(stream: IO[bytes], name: str) -> Iterator[Resource]:
    total = 0
    with tarfile.open(fileobj=stream, mode="r|gz") as package:
        for number, member in enumerate(package):
            total += member.size
            if member.size > LARGEST_MEMBER or total > LARGEST_PACKAGE or number > MOST_MEMBERS:
                raise GatewayError("GW-4811", file=name, problem="too large")
            if not member.isfile() or not _is_content(member.name):
                continue
            content = package.extractfile(member)
            resource: Any = codec.decode(content.read().removeprefix(_BOM)) if content else None
            if isinstance(resource, dict) and resource.get("resourceType") in KEPT:
                yield resource


def _is_content(name: str) -> bool:
    """Say whether a member is a resource of the package itself: not its index, no example."""
    folder, _, file = name.rpartition("/")
    return (
        file.endswith(".json")
        and file not in ("package.json", ".index.json", "ig-r4.json")
        and folder in ("package", "./package")
    )
