"""Merge what one record tells of a resource into what is known of it.

An Encounter is told by the admission, the discharge summary and the insurance messages, each
holding a part. What a record holds replaces what was there; what it does not hold stays. An older
record only fills what is missing.
"""

from collections.abc import Collection, Hashable, Iterable
from decimal import Decimal
from functools import cache
from typing import Any

from gateway.fhir import codec
from gateway.fhir.elements import Element, shape
from gateway.fhir.references import rewrite
from gateway.records import Json, Resource

# Members that each version has of its own.
_VERSION_KEYS = frozenset({"versionId", "lastUpdated"})
# Values that are merged member by member: a period is told by its start first, its end later.
_GROUPS = frozenset({"BackboneElement", "Element", "Period", "Meta"})
# Lists that unite instead of replacing each other.
_UNITED = frozenset({"Identifier", "Extension"})
_UNITED_META = frozenset({"profile", "tag", "security"})


def merge(
    current: Resource, incoming: Resource, fill_only: bool, cleared: Collection[str] = ()
) -> Resource:
    """Give the current resource with what the incoming one holds.

    Elements replace each other whole (a CodeableConcept is one statement), a choice of types
    counts as one element. Periods and backbone elements that do not repeat merge member by
    member; identifiers unite by system and value, extensions by url, profiles and tags by
    themselves. With ``fill_only`` nothing that is there changes. Elements named in ``cleared`` go,
    unless the incoming resource holds them. Neither argument is changed.
    """
    incoming = _with_free_fragments(current, incoming)
    type_ = str(current["resourceType"])
    merged = _merged(current, incoming, type_, fill_only)
    if cleared and not fill_only:
        merged = _without(merged, incoming, type_, cleared)
    if "contained" in merged:
        loose = _unreferred(current) | _unreferred(incoming)
        kept = _referred(merged, loose)
        merged = {k: v for k, v in merged.items() if k != "contained"} | (
            {"contained": kept} if kept else {}
        )
    return merged


def same_content(first: Resource, second: Resource) -> bool:
    """Say whether two versions state the same, whatever their version id and time.

    The order of keys does not matter; the scale of a decimal does (72.5 is not 72.50).
    """
    return _same(_unversioned(first), _unversioned(second))


def _merged(current: Resource, incoming: Resource, path: str, fill_only: bool) -> Resource:
    elements = _by_element(path)
    held = {elements.get(key, key) for key in current}
    merged = dict(current)
    for name in dict.fromkeys(elements.get(key, key) for key in incoming):
        if name in _VERSION_KEYS and path == "Meta":
            continue
        new = {k: v for k, v in incoming.items() if elements.get(k, k) == name}
        element = shape(path).get(name)
        empty: Json = [] if element is not None and element.is_list else {}
        pair = (current.get(name, empty), incoming.get(name))
        # Content of another shape, accepted under a lenient policy, is replaced whole.
        if _merges(element, path) and all(type(one) is type(empty) for one in pair):
            merged[name] = _joined(*pair, path, name, fill_only)
        elif name not in held:
            merged.update(new)
        elif not fill_only and name not in ("resourceType", "id"):
            for key in [k for k in merged if elements.get(k, k) == name]:
                del merged[key]
            merged.update(new)
    return merged


def _without(merged: Resource, incoming: Resource, path: str, cleared: Collection[str]) -> Resource:
    """Take elements away, or members of a group (``period.end``), that nothing new was told of."""
    elements = _by_element(path)
    told = {elements.get(key, key) for key in incoming}
    gone = {elements.get(key, key) for key in cleared if "." not in key} - told
    left = {key: value for key, value in merged.items() if elements.get(key, key) not in gone}
    for head, _, member in (key.partition(".") for key in cleared):
        group = left.get(head)
        if member and isinstance(group, dict) and member not in incoming.get(head, {}):
            group = {key: value for key, value in group.items() if key != member}
            left = {key: value for key, value in left.items() if key != head or group}
            if group:
                left[head] = group
    return left


@cache
def _by_element(path: str) -> dict[str, str]:
    """Map each key of an object to its element's name: all forms of a choice to one."""
    names = {e.key: e.name for e in shape(path).values()}
    return names | {f"_{key}": name for key, name in names.items()}


def _merges(element: Element | None, path: str) -> bool:
    if element is None or element.key != element.name:
        return False
    if element.is_list:
        return (
            element.type in _UNITED
            or element.key == "contained"
            or (path == "Meta" and element.key in _UNITED_META)
        )
    return element.type in _GROUPS


def _joined(current: Any, incoming: Any, path: str, name: str, fill_only: bool) -> Json:
    element = shape(path)[name]
    if not element.is_list:
        return _merged(current, incoming, element.shape or "", fill_only)
    if element.type == "Extension":
        return _extensions(current, incoming, fill_only)
    if fill_only:
        known = {_identity(item) for item in current}
        return [*current, *(item for item in incoming if _identity(item) not in known)]
    united = {_identity(item): item for item in (*current, *incoming)}
    return list(united.values())


def _extensions(
    current: list[Resource], incoming: list[Resource], fill_only: bool
) -> list[Resource]:
    """Unite extensions: all those of one url are one statement."""
    if fill_only:
        known = {e.get("url") for e in current}
        return [*current, *(e for e in incoming if e.get("url") not in known)]
    told = {e.get("url") for e in incoming}
    return [*(e for e in current if e.get("url") not in told), *incoming]


def _identity(item: Json) -> Hashable:
    """Tell which entry of a united list is the same one told again."""
    if not isinstance(item, dict):
        return str(item)
    if "resourceType" in item:
        return ("contained", item.get("id"))
    for key in ("value", "code"):
        if isinstance(item.get(key), str):
            return (key, item.get("system"), item[key])
    return codec.encode(item)


def _with_free_fragments(current: Resource, incoming: Resource) -> Resource:
    """Rename the contained resources of the incoming one whose id is taken by another content."""
    there = {r["id"]: r for r in current.get("contained", ()) if "id" in r}
    fresh = {r["id"]: r for r in incoming.get("contained", ()) if "id" in r}
    renamed: dict[str, str] = {}
    for id_, resource in fresh.items():
        name = _fragment(resource, there, {*there, *fresh, *renamed.values()})
        if name != id_:
            renamed[id_] = name
    if not renamed:
        return incoming
    moved = rewrite(incoming, {f"#{old}": f"#{new}" for old, new in renamed.items()})
    contained = [
        {**r, "id": renamed[r["id"]]} if r.get("id") in renamed else r for r in moved["contained"]
    ]
    return {**moved, "contained": contained}


def _fragment(resource: Resource, there: dict[str, Resource], taken: set[str]) -> str:
    """Choose an id: the one under which the content is known, its own if free, else a new one."""
    own: str = resource["id"]
    names = [own, *(f"{own}-{number}" for number in range(2, len(taken) + 3))]
    for name in names:
        if name in there and _same({**there[name], "id": own}, resource):
            return name
    if own not in there:
        return own
    return next(name for name in names if name not in taken)


def _referred(resource: Resource, loose: set[str]) -> list[Resource]:
    """Keep the contained resources that something refers to, and those that nothing ever did.

    What was replaced may leave one behind, and R4 allows none that is not referred to (dom-3).
    """
    kept: list[Resource] = resource["contained"]
    while True:
        told = _fragments({**resource, "contained": kept}) | loose
        used = [r for r in kept if f"#{r.get('id')}" in told or "#" in _fragments(r)]
        if len(used) == len(kept):
            return kept
        kept = used


def _unreferred(resource: Resource) -> set[str]:
    told = _fragments(resource)
    return {f"#{r.get('id')}" for r in resource.get("contained", ())} - told


def _fragments(value: Json) -> set[str]:
    """Collect all strings that refer to a contained resource, canonicals included."""
    if isinstance(value, str):
        return {value} if value.startswith("#") else set()
    members: Iterable[Json] = ()
    if isinstance(value, dict):
        members = value.values()
    elif isinstance(value, list):
        members = value
    return {fragment for member in members for fragment in _fragments(member)}


def _unversioned(resource: Resource) -> Resource:
    meta = resource.get("meta")
    if not meta or _VERSION_KEYS.isdisjoint(meta):
        return resource
    kept = {key: value for key, value in meta.items() if key not in _VERSION_KEYS}
    bare = {key: value for key, value in resource.items() if key != "meta"}
    return {**bare, "meta": kept} if kept else bare


def _same(first: Json, second: Json) -> bool:
    if isinstance(first, dict):
        return (
            isinstance(second, dict)
            and first.keys() == second.keys()
            and all(_same(value, second[key]) for key, value in first.items())
        )
    if isinstance(first, list):
        return (
            isinstance(second, list)
            and len(first) == len(second)
            and all(map(_same, first, second))
        )
    if isinstance(first, Decimal) or isinstance(second, Decimal):
        return str(first) == str(second)
    return type(first) is type(second) and bool(first == second)
