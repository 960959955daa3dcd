"""Links between the resources of a transaction, replaced by where they end up.

R4 http.html#trules: references, elements of the types uri, url, oid and uuid, and links in the
narrative; canonicals and the systems of identifiers and codes stay.
"""

import re
from collections.abc import Mapping

from gateway.records import Json, Resource

_URIS = frozenset({"url", "uri", "valueUri", "valueUrl", "valueUuid", "valueOid"})
_LINK = re.compile(r"""(\b(?:href|src)\s*=\s*)(["'])(.*?)\2""", re.DOTALL)


def relink(resource: Resource, names: Mapping[str, str]) -> Resource:
    """Copy a resource with its links renamed; parts without a link are shared with the original."""
    return _object(resource, names) if names else resource


def _object(value: Resource, names: Mapping[str, str]) -> Resource:
    changed: Resource = {}
    for key, member in value.items():
        new = member
        if isinstance(member, str):
            if key == "reference" or (key in _URIS and ":" in member):
                new = names.get(member, member)
            elif key == "div":
                new = _narrative(member, names)
        elif isinstance(member, dict):
            new = _object(member, names)
        elif isinstance(member, list):
            new = _items(member, names)
        if new is not member:
            changed[key] = new
    return {**value, **changed} if changed else value


def _items(items: list[Json], names: Mapping[str, str]) -> list[Json]:
    new = [_object(item, names) if isinstance(item, dict) else item for item in items]
    return new if any(a is not b for a, b in zip(new, items, strict=True)) else items


def _narrative(div: str, names: Mapping[str, str]) -> str:
    if "urn:" not in div and "://" not in div:
        return div
    return _LINK.sub(lambda m: f"{m[1]}{m[2]}{names.get(m[3], m[3])}{m[2]}", div)
