"""Documents and messages: what their head refers to is there, and all entries hang on it."""

from collections.abc import Iterator
from typing import Any

from gateway.records import Resource, Severity
from gateway.validation.places import Trail
from gateway.validation.references import Entries
from gateway.validation.run import Run

_SINGLE = ("subject", "encounter", "custodian")


def check_joined(listed: list[Resource], head: str, trail: Trail, run: Run) -> None:
    """Check the references of a Composition or MessageHeader, and that every entry is reached."""
    entries: Entries | None = run.bundle
    first = listed[0].get("resource") if listed else None
    if entries is None or type(first) is not dict or first.get("resourceType") != head:
        return
    inner: Trail = ((trail, "entry", 0), "resource", None)
    url = listed[0].get("fullUrl")
    demanded = _of_document(first, inner) if head == "Composition" else _of_message(first, inner)
    for reference, place in demanded:
        if not _is_found(reference, entries, url if type(url) is str else None):
            run.report("GW-4203", place)
    _check_reach(listed, entries, head, trail, run)


def _is_found(reference: str, entries: Entries, url: str | None) -> bool:
    # A urn that is not there is reported where all references are.
    return reference.startswith(("#", "urn:")) or bool(entries.find(reference, url))


def _of_document(composition: Resource, trail: Trail) -> Iterator[tuple[str, Trail]]:
    """Give the references that a document must resolve within itself (R4, documents.html)."""
    for name in _SINGLE:
        yield from _literal(composition.get(name), (trail, name, None))
    yield from _listed(composition, "author", trail)
    for name, member in (("attester", "party"), ("event", "detail")):
        for inner, place in _objects(composition, name, trail):
            if member == "party":
                yield from _literal(inner.get(member), (place, member, None))
            else:
                yield from _listed(inner, member, place)
    waiting = list(_objects(composition, "section", trail))
    while waiting:
        section, place = waiting.pop(0)
        yield from _listed(section, "entry", place)
        waiting.extend(_objects(section, "section", place))


def _of_message(header: Resource, trail: Trail) -> Iterator[tuple[str, Trail]]:
    yield from _listed(header, "focus", trail)


def _objects(owner: Resource, name: str, trail: Trail) -> Iterator[tuple[Resource, Trail]]:
    values: Any = owner.get(name)
    for index, one in enumerate(values if type(values) is list else ()):
        if type(one) is dict:
            yield one, (trail, name, index)


def _listed(owner: Resource, name: str, trail: Trail) -> Iterator[tuple[str, Trail]]:
    for one, place in _objects(owner, name, trail):
        yield from _literal(one, place)


def _literal(value: Any, trail: Trail) -> Iterator[tuple[str, Trail]]:
    reference = value.get("reference") if type(value) is dict else None
    if type(reference) is str and reference:
        yield reference, trail


def _check_reach(
    listed: list[Resource], entries: Entries, head: str, trail: Trail, run: Run
) -> None:
    """Follow references from the head, forward and backward, and report what is left."""
    resources = [one.get("resource") for one in listed]
    known = {id(one): index for index, one in enumerate(resources)}
    ties: dict[int, set[int]] = {index: set() for index in range(len(resources))}
    for index, resource in enumerate(resources):
        url = listed[index].get("fullUrl")
        for reference in references_in(resource):
            for target in entries.find(reference, url if type(url) is str else None):
                other = known.get(id(target))
                if other is not None:
                    ties[index].add(other)
                    ties[other].add(index)
    reached, waiting = {0}, [0]
    while waiting:
        for other in ties[waiting.pop()] - reached:
            reached.add(other)
            waiting.append(other)
    severity: Severity = "error" if head == "Composition" else "warning"
    for index, resource in enumerate(resources):
        if type(resource) is dict and index not in reached:
            run.report("GW-4217", trail, "entry", index, severity=severity)


def references_in(value: Any) -> set[str]:
    """Collect the literal references of a resource."""
    found: set[str] = set()
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if type(item) is dict:
            reference = item.get("reference")
            if type(reference) is str:
                found.add(reference)
            waiting.extend(item.values())
        elif type(item) is list:
            waiting.extend(item)
    return found
