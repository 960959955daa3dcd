"""The official R4 examples, where ``make test-data`` has put them, and a few of our own."""

from functools import cache
from pathlib import Path

import pytest

from gateway.fhir import codec
from gateway.records import Resource

FOLDER = Path(__file__).parents[3] / "test-data" / "r4-examples"

needs_examples = pytest.mark.skipif(
    not (FOLDER / "package.json").exists(), reason="official examples: make test-data"
)


def paths() -> list[Path]:
    """Give the files of all examples and definitions."""
    return sorted(path for path in FOLDER.glob("*.json") if path.name != "package.json")


@cache
def by_type(most: int) -> dict[str, list[Resource]]:
    """Give up to ``most`` examples of each type, the shortest first."""
    found: dict[str, list[Resource]] = {}
    for path in sorted(paths(), key=lambda path: (path.stat().st_size, path.name)):
        type_ = path.name.partition("-")[0]
        if len(found.setdefault(type_, [])) < most:
            found[type_].append(codec.decode(path.read_bytes()))
    return found


PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": "420300196205143622"}],
    "name": [{"family": "林", "given": ["桂芳"]}],
    "telecom": [
        {"system": "phone", "value": "0719-5550100", "use": "home"},
        {"system": "email", "value": "lin@example.org"},
    ],
    "gender": "female",
    "birthDate": "1962-05",
    "deceasedBoolean": False,
    "managingOrganization": {
        "type": "Organization",
        "identifier": {"system": "https://www.cods.org.cn", "value": "12429901MB01A1009G"},
    },
}
