"""What the package brings: datatype maps per format and well-known coding system names."""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from gateway.mapping.nodes import Node, Table, read
from gateway.mapping.problems import Mark, Problems
from gateway.mapping.tables import CodeTable, from_file

FOLDER = Path(__file__).parent
PREFIXES: Mapping[str, str] = {"cda": "urn:hl7-org:v3", "sdtc": "urn:hl7-org:sdtc"}


@cache
def datatypes(format_: str) -> Mapping[str, Mapping[str, Node]]:
    """Give the datatype maps of a format: name → element type → ``set`` (perhaps none)."""
    path = FOLDER / "datatypes" / f"{format_}.yaml"
    if not path.is_file():
        return {}
    problems = Problems()
    tree = read(path, path.name, problems)
    problems.demand_none(path.name)
    assert tree is not None  # noqa: S101 - demand_none raises otherwise
    return {name: node.entries for name, node in tree.entries.items() if isinstance(node, Table)}


@cache
def coding_systems() -> Mapping[str, str]:
    """Give URLs by coding system name (HL7 v2 table 0396) and OID; HL7 v2 tables as HL7nnnn."""
    text = (FOLDER / "datatypes" / "systems.csv").read_text(encoding="utf-8")
    made = {row["name"]: row["url"] for row in csv.DictReader(text.splitlines())}
    for number in range(1, 1000):
        made[f"HL7{number:04}"] = f"http://terminology.hl7.org/CodeSystem/v2-{number:04}"
    return made


@cache
def tables() -> Mapping[str, CodeTable]:
    """Give the code tables that every mapping may name without declaring them."""
    problems = Problems()
    made = {
        path.stem: from_file(path.stem, path, Mark(path.name, 1, 1), problems)
        for path in sorted((FOLDER / "datatypes" / "codes").glob("*.csv"))
    }
    problems.demand_none("codes")
    return made


def files() -> list[Path]:
    """Name the packaged files that every program depends on."""
    folder = FOLDER / "datatypes"
    return [*sorted(folder.glob("*.yaml")), folder / "systems.csv", *sorted(folder.glob("*/*.csv"))]
