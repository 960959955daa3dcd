"""What differs between two versions of a resource, element by element."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.records import Json, Resource

_OF_VERSIONS = ("versionId", "lastUpdated")


@dataclass(frozen=True, slots=True)
class Difference:
    """One element that differs; ``before`` None: it is new, ``after`` None: it goes."""

    path: str
    before: Json
    after: Json


def differences(before: Resource | None, after: Resource | None) -> tuple[Difference, ...]:
    """Compare two versions leaf by leaf; None for one that does not exist.

    Paths are FHIRPath, such as ``Patient.name[0].family``. Version id and time do not count.
    """
    type_ = str((after or before or {}).get("resourceType", ""))
    return tuple(_compare(type_, _unversioned(before), _unversioned(after)))


def _unversioned(resource: Resource | None) -> Json:
    if resource is None:
        return None
    meta = {name: v for name, v in resource.get("meta", {}).items() if name not in _OF_VERSIONS}
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return rest | ({"meta": meta} if meta else {})


def _compare(path: str, before: Json, after: Json) -> Iterator[Difference]:
    if isinstance(before, dict | None) and isinstance(after, dict | None) and (before or after):
        first, second = before or {}, after or {}
        for name in dict.fromkeys((*first, *second)):
            yield from _compare(f"{path}.{name}", first.get(name), second.get(name))
    elif isinstance(before, list | None) and isinstance(after, list | None) and (before or after):
        items, others = before or [], after or []
        for index in range(max(len(items), len(others))):
            yield from _compare(f"{path}[{index}]", _at(items, index), _at(others, index))
    elif before != after or str(before) != str(after):
        # A decimal is equal by value, but 72.5 and 72.50 are not the same statement.
        yield Difference(path, before, after)


def _at(values: list[Json], index: int) -> Json:
    return values[index] if index < len(values) else None
