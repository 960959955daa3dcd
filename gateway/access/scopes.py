"""Scopes of a client: SMART App Launch 2 system scopes, version 1 spellings, and intake channels.

``system/Observation.rs``, ``system/*.cruds``, ``system/*.read`` (version 1), ``intake/lis-oru``,
``intake/*``. https://hl7.org/fhir/smart-app-launch/STU2/scopes-and-launch-context.html
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from gateway.errors import GatewayError
from gateway.records import Place

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
_INTAKE = re.compile(r"intake/(\*|[A-Za-z0-9][A-Za-z0-9_.-]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scope:
    """One permission: ``target`` is a resource type or a channel, ``*`` for all of them."""

    context: str
    target: str
    letters: str = ""

    def __str__(self) -> str:
        """Spell it as it is asked for (version 2)."""
        return f"{self.context}/{self.target}" + (f".{self.letters}" if self.letters else "")

    def narrowed(self, other: "Scope") -> "Scope | None":
        """Give what both permit, or None."""
        if self.context != other.context:
            return None
        if self.target != other.target and "*" not in (self.target, other.target):
            return None
        target = other.target if self.target == "*" else self.target
        letters = "".join(letter for letter in self.letters if letter in other.letters)
        if self.context == "system" and not letters:
            return None
        return Scope(self.context, target, letters)


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


def readable_types(scopes: Iterable[Scope]) -> frozenset[str] | None:
    """Give the types that may be read or searched; None when all of them may."""
    targets = {
        scope.target
        for scope in scopes
        if scope.context == "system" and set(scope.letters) & set("rs")
    }
    return None if "*" in targets else frozenset(targets)
