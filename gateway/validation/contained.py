"""The rules of contained resources: dom-2 to dom-5, their ids, and that they are referred to."""

import re
from typing import Any

from gateway.records import Resource
from gateway.validation.places import Trail
from gateway.validation.run import Run

_IN_NARRATIVE = re.compile(r"""(?:src|href)\s*=\s*["']#([^"']+)["']""")


def check_contained(resource: Resource, trail: Trail, run: Run) -> None:
    """Check the contained resources of one resource."""
    contained = resource.get("contained")
    if type(contained) is not list:
        return
    used: set[str] | None = None
    seen: set[str] = set()
    for index, one in enumerate(contained):
        if type(one) is not dict or "resourceType" not in one:
            continue
        _check_one(one, trail, index, run)
        id_ = one.get("id")
        if type(id_) is not str or id_ in seen:
            run.report("GW-4207", trail, "contained", index)
            continue
        seen.add(id_)
        if used is None:
            used = local_references(resource)
        if "#" + id_ not in used and "#" not in local_references(one):
            run.report("GW-4205", trail, "contained", index)


def _check_one(one: Resource, trail: Trail, index: int, run: Run) -> None:
    if "contained" in one:
        run.report("GW-4206", trail, "contained", index, key="dom-2")
    meta = one.get("meta")
    if type(meta) is dict:
        if "versionId" in meta or "lastUpdated" in meta:
            run.report("GW-4206", trail, "contained", index, key="dom-4")
        if "security" in meta:
            run.report("GW-4206", trail, "contained", index, key="dom-5")


def local_references(value: Any) -> set[str]:
    """Collect every text that begins with ``#``: references, canonicals, urls."""
    found: set[str] = set()
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind is dict:
            waiting.extend(item.values())
        elif kind is list:
            waiting.extend(item)
        elif kind is str:
            if item[:1] == "#":
                found.add(item)
            elif item[:4] == "<div":
                found.update("#" + name for name in _IN_NARRATIVE.findall(item))
    return found
