"""What a FHIR Consent opens and closes, read once and evaluated in one place.

``rules`` reads a Consent; ``decide`` says what the rules mean for one member, kind of record and
moment, and which of them decided; ``gateway.sharing`` writes the very same rules as rows, which the
store's queries enforce. What cannot be enforced is refused, never read as something broader.
https://hl7.org/fhir/R4/consent.html
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from gateway.access.classes import CLINICAL, FINANCE, IDENTITY, REFERRAL
from gateway.errors import GatewayError
from gateway.fhir.systems import ROOT
from gateway.fhir.times import interval
from gateway.records import SENSITIVE, Json, Resource

CATEGORIES = f"{ROOT}/CodeSystem/record-category"
_CLASSES = {
    "clinical": CLINICAL,
    "referral": REFERRAL,
    "finance": FINANCE,
    "identity": IDENTITY,
    "sensitive": SENSITIVE | CLINICAL,
}
_ORDINARY = CLINICAL | IDENTITY
_EVERYTHING = CLINICAL | REFERRAL | FINANCE | IDENTITY | SENSITIVE
_UNENFORCED = ("action", "securityLabel", "purpose", "code", "dataPeriod", "data")
_DEEPEST = 5
_OPEN = datetime(9999, 12, 31, tzinfo=UTC)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
MemberOf = Callable[[Json], str | None]
"""Gives the member that a reference names; None when it is none."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One provision: what it does, to whom (None: to all), to which classes, when.

    ``exempt`` takes members out of what a provision above it denies.
    """

    kind: Literal["permit", "deny", "exempt"]
    members: tuple[str, ...] | None
    classes: int
    since_utc: datetime
    until_utc: datetime

    def concerns(self, member: str, classes: int, at_utc: datetime) -> bool:
        """Say whether the rule speaks about this access."""
        is_member = self.members is None or member in self.members
        return (
            is_member and bool(self.classes & classes) and self.since_utc <= at_utc < self.until_utc
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What a consent says about one access: open, closed, or nothing (None), and why."""

    is_open: bool | None
    because: Rule | None = None


def decide(rules: Iterable[Rule], member: str, classes: int, at_utc: datetime) -> Decision:
    """Evaluate the rules of one consent for records of ``classes``; a denial beats a permission."""
    speaking = [one for one in rules if one.concerns(member, classes, at_utc)]
    denial = next((one for one in speaking if one.kind == "deny"), None)
    exempt = next((one for one in speaking if one.kind == "exempt"), None)
    if denial is not None and exempt is None:
        return Decision(is_open=False, because=denial)
    for one in speaking:
        opened = one.classes & classes & ~SENSITIVE
        is_plain = not classes & SENSITIVE or one.classes & SENSITIVE
        if one.kind == "permit" and opened and is_plain:
            return Decision(is_open=True, because=one)
    return Decision(is_open=None, because=exempt)


def rules(consent: Resource, member_of: MemberOf) -> tuple[Rule, ...]:
    """Read an active Consent; raise GW-8030 for what cannot be enforced, GW-8031 for no member.

    Without a class a permission opens what is ordinary (clinical, identity), a denial closes all.
    """
    if consent.get("status") != "active":
        return ()
    provision = consent.get("provision")
    if not isinstance(provision, dict):
        raise GatewayError("GW-8030", element="provision", expression="Consent.provision")
    root = _Reader(member_of, [])
    root.read(provision, "Consent.provision", None, 0)
    _demand_clear(root.found)
    return tuple(root.found)


def _demand_clear(found: list[Rule]) -> None:
    """Raise GW-8030 where one row could not say what several provisions say of one member."""
    denials = [one for one in found if one.kind == "deny"]
    is_mixed = len(denials) > 1 and any(one.kind == "exempt" for one in found)
    for index, one in enumerate(found):
        for other in found[:index]:
            is_same = one.kind == other.kind and _meet(one.members, other.members)
            span, other_span = (one.since_utc, one.until_utc), (other.since_utc, other.until_utc)
            is_mixed |= is_same and span != other_span
    if is_mixed:
        raise GatewayError("GW-8030", element="provision", expression="Consent.provision")


def _meet(ours: tuple[str, ...] | None, theirs: tuple[str, ...] | None) -> bool:
    """Say whether one row would have to hold both: the same member, or twice all members."""
    if ours is None or theirs is None:
        return ours is theirs
    return bool(set(ours) & set(theirs))


@dataclass(slots=True)
class _Reader:
    member_of: MemberOf
    found: list[Rule]

    def read(self, provision: Resource, where: str, above: Rule | None, depth: int) -> None:
        """Read a provision and those within it, each narrowed by the one above."""
        if depth == _DEEPEST:
            raise GatewayError("GW-8030", element="provision", expression=where)
        for element in _UNENFORCED:
            if provision.get(element):
                raise GatewayError("GW-8030", element=element, expression=f"{where}.{element}")
        kind = provision.get("type")
        if kind not in ("permit", "deny"):
            raise GatewayError("GW-8030", element="type", expression=f"{where}.type")
        rule = self._rule(provision, where, above, is_permit=kind == "permit")
        self.found.append(rule)
        for index, inner in enumerate(provision.get("provision", ())):
            self.read(inner, f"{where}.provision[{index}]", rule, depth + 1)

    def _rule(
        self, provision: Resource, where: str, above: Rule | None, *, is_permit: bool
    ) -> Rule:
        members = self._members(provision, where)
        since, until = _period(provision.get("period"))
        classes = self._classes(provision, where)
        if above is not None:
            members = above.members if members is None else members
            classes = above.classes if classes is None else classes & above.classes
            since, until = max(since, above.since_utc), min(until, above.until_utc)
        if classes is None:
            classes = _ORDINARY if is_permit else _EVERYTHING
        if not is_permit:
            return Rule("deny", members, classes, since, until)
        return Rule("permit" if above is None else "exempt", members, classes, since, until)

    def _members(self, provision: Resource, where: str) -> tuple[str, ...] | None:
        actors = provision.get("actor")
        if not actors:
            return None
        named = []
        for index, actor in enumerate(actors):
            member = self.member_of(actor.get("reference"))
            if member is None:
                spot = f"{where}.actor[{index}].reference"
                raise GatewayError("GW-8031", expression=spot)
            named.append(member)
        return tuple(named)

    @staticmethod
    def _classes(provision: Resource, where: str) -> int | None:
        listed = provision.get("class")
        if not listed:
            return None
        classes = 0
        for index, coding in enumerate(listed):
            known = coding.get("system") == CATEGORIES and coding.get("code") in _CLASSES
            if not known:
                raise GatewayError("GW-8030", element="class", expression=f"{where}.class[{index}]")
            classes |= _CLASSES[coding["code"]]
        return classes


def _period(period: Json) -> tuple[datetime, datetime]:
    given = period if isinstance(period, dict) else {}
    start, end = given.get("start"), given.get("end")
    since = _moment(interval(start)[0]) if start else _EVER
    return since, _moment(interval(end)[1] + 1) if end else _OPEN


def _moment(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
