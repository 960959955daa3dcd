"""References within and between resources.

A reference is a ``Reference.reference`` string; canonicals and other URLs are not touched, nor is
any other string that happens to look alike. R4 sections 2.3.0 and 3.1.0.11.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from gateway.records import Json, Resource

_LITERAL = re.compile(
    r"(?:(?P<base>https?://[^?#\s]+?)/)?(?P<type>[A-Z][A-Za-z]{2,63})/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?"
)


class Target(NamedTuple):
    """What a literal reference names."""

    type: str
    id: str
    version: str | None


def split(reference: str) -> Target | None:
    """Split ``[base/]Type/id[/_history/version]``; None for a fragment, a urn or anything else."""
    return _parts(reference)[0]


def server_of(reference: str) -> str | None:
    """Give the server's base of an absolute reference, without the last slash."""
    return _parts(reference)[1]


@lru_cache(maxsize=8192)
def _parts(reference: str) -> tuple[Target | None, str | None]:
    # One write asks for its patient, its visit and its organisation dozens of times.
    match = _LITERAL.fullmatch(reference)
    if match is None:
        return None, None
    return Target(match["type"], match["id"], match["version"]), match["base"]


# Backbone elements that share all their usual members with Reference, by resource type.
_LOOKALIKES: Mapping[str, frozenset[str]] = {
    "Contract": frozenset({"valuedItem"}),
    "DocumentManifest": frozenset({"related"}),
    "ExplanationOfBenefit": frozenset({"payment"}),
    "Immunization": frozenset({"education"}),
    "MedicinalProductAuthorization": frozenset({"procedure"}),
    "PaymentReconciliation": frozenset({"detail"}),
    "Substance": frozenset({"instance"}),
    "SubstanceNucleicAcid": frozenset({"linkage", "sugar"}),
    "SubstanceSpecification": frozenset({"isotope", "moiety"}),
}
_NONE: frozenset[str] = frozenset()
_REFERENCE_KEYS = frozenset(
    {
        *("id", "extension", "reference", "type", "identifier", "display"),
        *("_reference", "_type", "_display"),
    }
)


def references(resource: Resource) -> list[tuple[str, Resource]]:
    """Give each Reference of a resource, contained ones included, with its FHIRPath.

    What is given is the element itself: ``reference``, ``identifier``, ``type``, ``display``.
    """
    found: list[tuple[str, Resource]] = []
    _walk(resource, str(resource.get("resourceType", "")), "", _NONE, found)
    return found


def rewrite(resource: Resource, mapping: Mapping[str, str]) -> Resource:
    """Copy a resource with each ``Reference.reference`` that the mapping holds replaced.

    Parts without such a reference are shared with the original, not copied. A version-specific
    reference or one with a fragment is looked up as it stands.
    """
    return _rewritten(resource, mapping, "", _NONE)


def _is_reference(element: Resource) -> bool:
    if isinstance(element.get("reference"), str) or isinstance(element.get("identifier"), dict):
        return _REFERENCE_KEYS.issuperset(element)
    return False


def _lookalikes(element: Resource, inherited: frozenset[str]) -> frozenset[str]:
    type_ = element.get("resourceType")
    return inherited if type_ is None else _LOOKALIKES.get(str(type_), _NONE)


def _walk(
    value: Resource,
    path: str,
    name: str,
    lookalikes: frozenset[str],
    found: list[tuple[str, Resource]],
) -> None:
    # Every write walks every resource: a list is filled, for nested generators take twice as long.
    if name not in lookalikes and _is_reference(value):
        found.append((path, value))
    if "resourceType" in value:
        lookalikes = _lookalikes(value, lookalikes)
    for key, member in value.items():
        if isinstance(member, dict):
            _walk(member, f"{path}.{key}", key, lookalikes, found)
        elif isinstance(member, list):
            for index, item in enumerate(member):
                if isinstance(item, dict):
                    _walk(item, f"{path}.{key}[{index}]", key, lookalikes, found)


def _rewritten(
    value: Resource, mapping: Mapping[str, str], name: str, lookalikes: frozenset[str]
) -> Resource:
    changed: Resource = {}
    literal = value.get("reference")
    new_literal = mapping.get(literal) if isinstance(literal, str) else None
    if new_literal is not None and name not in lookalikes and _is_reference(value):
        changed["reference"] = new_literal
    lookalikes = _lookalikes(value, lookalikes)
    for key, member in value.items():
        if isinstance(member, dict):
            new: Json = _rewritten(member, mapping, key, lookalikes)
        elif isinstance(member, list):
            new = _rewritten_items(member, mapping, key, lookalikes)
        else:
            continue
        if new is not member:
            changed[key] = new
    return {**value, **changed} if changed else value


def _rewritten_items(
    items: list[Json], mapping: Mapping[str, str], name: str, lookalikes: frozenset[str]
) -> list[Json]:
    new = [
        _rewritten(item, mapping, name, lookalikes) if isinstance(item, dict) else item
        for item in items
    ]
    return new if any(a is not b for a, b in zip(new, items, strict=True)) else items
