"""Assembles FHIR documents: the Composition, then everything it leads to.

FHIR R4, Documents 3.3: the first entry is the Composition, every resource that it references,
directly or through others, follows once; identifier and timestamp are required (bdl-9, bdl-10).
"""

from collections.abc import Callable

from gateway.fhir.references import references
from gateway.reactions import literal, name
from gateway.records import Resource

Resolve = Callable[[str, str], Resource | None]
MAX_ENTRIES = 1_000


def assemble(
    composition: Resource,
    resolve: Resolve,
    *,
    address: str,
    timestamp: str,
    identifier: Resource | None = None,
    id_: str | None = None,
) -> Resource:
    """Build the document Bundle of a Composition.

    ``resolve`` gives a resource or None where there is none, or none that the reader may see:
    such references stay and lead out of the document. ``address`` is the FHIR address that full
    URLs begin with. The order is that of the references, breadth first, so that the same content
    always gives the same Bundle. At most 1,000 entries.
    """
    bundle: Resource = {"resourceType": "Bundle"}
    if id_:
        bundle["id"] = id_
    bundle |= {
        "identifier": identifier
        or {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{composition['id']}"},
        "type": "document",
        "timestamp": timestamp,
        "entry": [
            {"fullUrl": f"{address}/{reference}", "resource": resource}
            for reference, resource in _reached(composition, resolve).items()
        ],
    }
    return bundle


def _reached(composition: Resource, resolve: Resolve) -> dict[str, Resource]:
    """Give the Composition and all that it leads to, by ``Type/id``, breadth first."""
    taken = {name(composition): composition}
    waiting = [composition]
    while waiting:
        for _, reference in references(waiting.pop(0)):
            target = literal(reference)
            if target is None or "/".join(target) in taken or len(taken) >= MAX_ENTRIES:
                continue
            resource = resolve(*target)
            if resource is not None:
                taken["/".join(target)] = resource
                waiting.append(resource)
    return taken
