"""Scopes of a client: SMART App Launch 2 system scopes, version 1 spellings, and intake channels.

``system/Observation.rs``, ``system/*.cruds``, ``system/*.read`` (version 1), ``intake/lis-oru``,
``intake/*``, ``system/Observation.rs?category=laboratory``. https://hl7.org/fhir/smart-app-launch/STU2/scopes-and-launch-context.html
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

from gateway.errors import GatewayError
from gateway.fhir.conformance import TYPES
from gateway.fhir.definitions import load
from gateway.fhir.search_model import Criterion
from gateway.fhir.search_query import parse_query
from gateway.records import Pairs, Place

LETTERS = {
    "create": "c",
    "read": "r",
    "vread": "r",
    "history": "r",
    "update": "u",
    "patch": "u",
    "delete": "d",
    "search": "s",
}
_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}
_SYSTEM = re.compile(r"system/(\*|[A-Z][A-Za-z]*)\.(\*|read|write|c?r?u?d?s?)", re.ASCII)
_NARROWED = re.compile(r"system/([A-Z][A-Za-z]*)\.(r?s?)\?(\S+)", re.ASCII)
_INTAKE = re.compile(r"intake/(\*|[A-Za-z0-9][A-Za-z0-9_.-]*)", re.ASCII)


# What is answered from elsewhere than the versions: the trail, and what everybody may read.
_APART = frozenset({"AuditEvent", *TYPES})


@dataclass(frozen=True, slots=True)
class Scope:
    """One permission: ``target`` is a resource type or a channel, ``*`` for all of them.

    ``query``: of the type only what these search parameters find.
    """

    context: str
    target: str
    letters: str = ""
    query: Pairs = ()

    def __str__(self) -> str:
        """Spell it as it is asked for (version 2)."""
        letters = f".{self.letters}" if self.letters else ""
        query = f"?{urlencode(self.query, safe=':/|,-._~')}" if self.query else ""
        return f"{self.context}/{self.target}{letters}{query}"

    def narrowed(self, other: "Scope") -> "Scope | None":
        """Give what both permit, or None."""
        if self.context != other.context:
            return None
        if self.target != other.target and "*" not in (self.target, other.target):
            return None
        target = other.target if self.target == "*" else self.target
        letters = "".join(letter for letter in self.letters if letter in other.letters)
        query = tuple(dict.fromkeys(self.query + other.query))
        if query:
            letters = "".join(letter for letter in letters if letter in "rs")
        if self.context == "system" and not letters:
            return None
        return Scope(self.context, target, letters, query)


def _query(type_: str, letters: str, text: str) -> Pairs:
    """Read the parameters of a scope; raise GW-8023 for what cannot be asked of every version."""
    pairs = tuple(parse_qsl(text, keep_blank_values=True))
    is_stored = type_ in load().resource_types and type_ not in _APART
    try:
        query = parse_query(load(), (type_,), pairs, "strict") if is_stored and letters else None
    except GatewayError as err:
        raise GatewayError("GW-8023", type=type_, query=text[:200]) from err
    is_plain = query is not None and len(query.conditions) == len(pairs) > 0
    if query is None or not is_plain:
        raise GatewayError("GW-8023", type=type_, query=text[:200])
    if not all(isinstance(one, Criterion) for one in query.conditions):
        raise GatewayError("GW-8023", type=type_, query=text[:200])
    return pairs


@lru_cache(maxsize=1024)
def parse_scopes(text: str) -> tuple[Scope, ...]:
    """Parse a space-separated scope; raise GW-8010 with the column of the word not understood."""
    scopes = []
    for found in re.finditer(r"\S+", text):
        word = found[0]
        if match := _SYSTEM.fullmatch(word):
            letters = _VERSION_1.get(match[2], match[2])
            if letters:
                scopes.append(Scope("system", match[1], letters))
                continue
        elif match := _NARROWED.fullmatch(word):
            scopes.append(Scope("system", match[1], match[2], _query(match[1], match[2], match[3])))
            continue
        elif match := _INTAKE.fullmatch(word):
            scopes.append(Scope("intake", match[1]))
            continue
        raise GatewayError("GW-8010", where=Place("scope", 1, found.start() + 1), scope=word[:80])
    return tuple(dict.fromkeys(scopes))


def granted(asked: Iterable[Scope], registered: Iterable[Scope]) -> tuple[Scope, ...]:
    """Narrow what is asked for to what the client was registered with, in the order of asking."""
    held = tuple(registered)
    narrowed = (one.narrowed(other) for one in asked for other in held)
    return tuple(dict.fromkeys(scope for scope in narrowed if scope))


def permits(scopes: Iterable[Scope], type_: str, interaction: str) -> bool:
    """Say whether the scopes allow an interaction (the standard's word) on a resource type."""
    letter = LETTERS[interaction]
    return any(
        scope.context == "system" and scope.target in ("*", type_) and letter in scope.letters
        for scope in scopes
    )


def permits_intake(scopes: Iterable[Scope], channel: str) -> bool:
    """Say whether the scopes allow sending native records to a channel."""
    return any(scope.context == "intake" and scope.target in ("*", channel) for scope in scopes)


def narrowed_types(scopes: Iterable[Scope]) -> tuple[tuple[str, tuple[Pairs, ...]], ...]:
    """Give the alternatives of each type that is narrowed by search parameters.

    A type stays whole only where one scope without parameters permits all that the narrowed ones
    do: where they permit different letters, the narrower holds for all of them.
    """
    system = [one for one in scopes if one.context == "system"]
    found: dict[str, list[Pairs]] = {}
    for one in system:
        wide = (
            set(other.letters)
            for other in system
            if not other.query and other.target in ("*", one.target)
        )
        if one.query and not any(set(one.letters) <= letters for letters in wide):
            found.setdefault(one.target, []).append(one.query)
    return tuple((type_, tuple(queries)) for type_, queries in sorted(found.items()))


def readable_types(scopes: Iterable[Scope]) -> frozenset[str] | None:
    """Give the types that may be read or searched; None when all of them may."""
    targets = {
        scope.target
        for scope in scopes
        if scope.context == "system" and set(scope.letters) & set("rs")
    }
    return None if "*" in targets else frozenset(targets)
