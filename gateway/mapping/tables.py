"""Code tables: CSV files, FHIR ConceptMaps and pairs written in the mapping."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.mapping.nodes import Scalar, Table
from gateway.mapping.problems import Mark, Problems

_COLUMNS = {"source", "source_system", "target", "system", "display", "prefer"}
_TRUE = {"1", "true", "yes", "y", "x", "是"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it translates into, and where it stands (``gender.csv:3``)."""

    source: str
    target: str
    system: str | None
    display: str | None
    source_system: str | None
    is_preferred: bool
    spot: str


@dataclass(slots=True)
class CodeTable:
    """A compiled table: rows by source code, and by (system, code) where the rows say a system."""

    name: str
    rows: list[Row] = field(default_factory=list)
    by_code: dict[str, Row] = field(default_factory=dict)
    by_system: dict[tuple[str, str], Row] = field(default_factory=dict)

    def add(self, row: Row) -> bool:
        """Add a row; False when the same source stands there already with another target."""
        self.rows.append(row)
        if row.source_system:
            known = self.by_system.setdefault((row.source_system, row.source), row)
            self.by_code.setdefault(row.source, row)
        else:
            known = self.by_code.setdefault(row.source, row)
        return known is row or (known.target, known.system) == (row.target, row.system)

    def find(self, code: str, system: str | None = None) -> Row | None:
        """Find the row of a code; a row that says a system serves only that one."""
        if system is not None:
            row = self.by_system.get((system, code))
            if row is not None:
                return row
        row = self.by_code.get(code)
        if row is not None and system is not None and row.source_system not in (None, system):
            return None
        return row

    @property
    def has_systems(self) -> bool:
        """Say whether every row names the system of its target."""
        return bool(self.rows) and all(row.system for row in self.rows)

    def inverse(self) -> Mapping[tuple[str | None, str], str] | None:
        """Give target → source when one-to-one or its ties are marked ``prefer``, else None."""
        found: dict[tuple[str | None, str], Row] = {}
        for row in self.rows:
            key = (row.system, row.target)
            other = found.get(key)
            if other is None or (row.is_preferred and not other.is_preferred):
                found[key] = row
            elif other.is_preferred == row.is_preferred and other.source != row.source:
                return None
        return {key: row.source for key, row in found.items()}


def from_pairs(name: str, node: Table) -> CodeTable:
    """Read a table written as pairs; a value may be ``{code, system, display}``."""
    table = CodeTable(name)
    for source, value in node.entries.items():
        spot = node.mark_of(source).rule
        if isinstance(value, Table):
            target = value.text("code") or ""
            row = Row(
                source, target, value.text("system"), value.text("display"), None, False, spot
            )
        else:
            text = value.text if isinstance(value, Scalar) else ""
            row = Row(source, text, None, None, None, False, spot)
        table.add(row)
    return table


def from_file(name: str, path: Path, mark: Mark, problems: Problems) -> CodeTable:
    """Read a CSV or a ConceptMap; what is wrong with it is a problem of the mapping at ``mark``."""
    table = CodeTable(name)
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = _concept_map(text, path.name) if path.suffix == ".json" else _csv(text, path.name)
        for row in rows:
            if not table.add(row):
                problems.add(
                    mark, "GW-3025", table=path.name, reason=f"{row.spot}: {row.source} twice"
                )
    except OSError as err:
        problems.add(mark, "GW-3025", table=path.name, reason=err.strerror or "cannot be read")
    except UnicodeDecodeError:
        problems.add(mark, "GW-3025", table=path.name, reason="not UTF-8")
    except (ValueError, KeyError, csv.Error) as err:
        problems.add(mark, "GW-3025", table=path.name, reason=str(err))
    return table


def _csv(text: str, shown: str) -> Iterable[Row]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    columns = set(reader.fieldnames or ())
    if not {"source", "target"} <= columns:
        raise ValueError("the columns source and target are needed")
    if columns - _COLUMNS:
        raise ValueError(f"unknown column {sorted(columns - _COLUMNS)[0]}")
    for record in reader:
        spot = f"{shown}:{reader.line_num}"
        if None in record or None in record.values():
            raise ValueError(f"{spot}: number of cells differs from the heading")
        if not record["source"] or not record["target"]:
            raise ValueError(f"{spot}: source and target may not be empty")
        yield Row(
            record["source"],
            record["target"],
            record.get("system") or None,
            record.get("display") or None,
            record.get("source_system") or None,
            (record.get("prefer") or "").casefold() in _TRUE,
            spot,
        )


def _concept_map(text: str, shown: str) -> Iterable[Row]:
    content = json.loads(text)
    if not isinstance(content, dict) or content.get("resourceType") != "ConceptMap":
        raise ValueError("not a ConceptMap")
    for group_no, group in enumerate(content.get("group", ())):
        for no, element in enumerate(group.get("element", ())):
            targets = [
                target
                for target in element.get("target", ())
                if target.get("equivalence") not in ("unmatched", "disjoint") and "code" in target
            ]
            for target in targets[:1]:
                yield Row(
                    element["code"],
                    target["code"],
                    group.get("target"),
                    target.get("display"),
                    group.get("source"),
                    False,
                    f"{shown}#group[{group_no}].element[{no}]",
                )
