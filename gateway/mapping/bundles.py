"""Several records of one file as one bundle, with their lineage."""

from collections.abc import Sequence
from typing import Any

from gateway.records import Contribution, Lineage, Mapped, Resource


def combined(mapped: Sequence[Mapped]) -> tuple[Resource, list[Lineage]]:
    """Give one transaction Bundle and its lineage; a resource told twice stands once.

    What a later record says of the same resource replaces element by element what an earlier one
    said, as the store would do with merged records that arrive in this order.
    """
    entries: dict[tuple[str, str], int] = {}
    resources: list[Resource] = []
    rows: list[list[Lineage]] = []
    for record in mapped:
        places = [_place(entries, resources, rows, one) for one in record.contributions]
        overwritten = [set(one.resource) for one in record.contributions]
        for index, place in enumerate(places):
            rows[place] = [row for row in rows[place] if _element(row) not in overwritten[index]]
        for row in record.lineage:
            number, _, rest = row.pointer.removeprefix("/entry/").partition("/")
            place = places[int(number)]
            pointer = f"/entry/{place}/{rest}"
            rows[place].append(Lineage(pointer, row.kind, row.sources, row.rule, row.code_row))
    contributions = tuple(Contribution(resource, ()) for resource in resources)
    bundle = Mapped(contributions, "", "", None).bundle()
    return bundle, [row for group in rows for row in group]


def _place(
    entries: dict[tuple[str, str], int],
    resources: list[Resource],
    rows: list[list[Lineage]],
    one: Contribution,
) -> int:
    key = (one.resource["resourceType"], one.resource["id"])
    place = entries.setdefault(key, len(resources))
    if place == len(resources):
        resources.append(dict(one.resource))
        rows.append([])
    else:
        resources[place].update(one.resource)
    return place


def _element(row: Lineage) -> str:
    """Name the top element that a row is about."""
    return row.pointer.split("/", 5)[4]


def lineage_document(mapped: Sequence[Mapped], rows: Sequence[Lineage]) -> dict[str, Any]:
    """Give lineage and coverage as JSON: one row per leaf, and what no rule read."""
    return {
        "mapping": mapped[0].mapping,
        "hash": mapped[0].mapping_hash,
        "records": [
            {
                "eventTime": record.event_time,
                "keys": [
                    [key.type, key.system] for one in record.contributions for key in one.keys
                ],
                "unread": [str(place) for place in record.unread],
            }
            for record in mapped
        ],
        "rows": [
            {
                "pointer": row.pointer,
                "kind": row.kind,
                "sources": [
                    {"path": p.path, "line": p.line, "column": p.column} for p in row.sources
                ],
                "rule": row.rule,
                "codeRow": row.code_row,
            }
            for row in rows
        ],
    }


def value_at(bundle: Resource, pointer: str) -> Any:
    """Follow a JSON pointer of the lineage into its bundle."""
    value: Any = bundle
    for step in pointer.split("/")[1:]:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value
