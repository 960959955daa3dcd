"""Who may see and change what, decided here and nowhere else.

What a member may see becomes a ``Visibility``, the predicate of every query; what it may change
is asked with the stored version's owner and parties at hand, inside the transaction.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from gateway.access.classes import DIRECTORY, REFERRAL, REPORT
from gateway.access.scopes import (
    Scope,
    narrowed_types,
    parse_scopes,
    permits,
    permits_intake,
    readable_types,
)
from gateway.errors import GatewayError
from gateway.records import Principal, Visibility

ROLES = ("hospital", "insurer", "regulator", "auditor", "operator")

# What a role sees of every member without any relation to the person.
_CLASSES = {
    "hospital": DIRECTORY,
    "insurer": DIRECTORY,
    "regulator": DIRECTORY | REPORT,
    "auditor": DIRECTORY,
    "operator": DIRECTORY,
}


# HL7's PurposeOfUse as far as it is used here; break-glass is an operation, not a word.
PURPOSES = frozenset(
    {"TREAT", "COC", "ETREAT", "HPAYMT", "HOPERAT", "PUBHLTH", "PATADMIN", "PATRQT", "HRESCH"}
)
_OVERSIGHT = frozenset({"HOPERAT", "PUBHLTH"})


@dataclass(frozen=True, slots=True)
class Purpose:
    """What an access is for, as the asker states it: a code and, where it matters, a reason."""

    code: str
    reason: str | None = None


def purpose_of(header: str | None) -> Purpose | None:
    """Read ``CODE`` or ``CODE; reason``; raise GW-8032 for a code that is not known."""
    if header is None:
        return None
    code, _, reason = header.partition(";")
    if code.strip() not in PURPOSES:
        raise GatewayError("GW-8032", known=", ".join(sorted(PURPOSES)))
    return Purpose(code.strip(), reason.strip()[:500] or None)


def for_purpose(principal: Principal, purpose: Purpose | None) -> Principal:
    """Open to a regulator the identified referrals, for oversight with a stated reason."""
    is_documented = purpose is not None and purpose.code in _OVERSIGHT and purpose.reason
    if not (is_documented and "regulator" in principal.roles):
        return principal
    return replace(principal, visibility=identified(principal.visibility, principal.roles))


def identified(sight: Visibility, roles: Collection[str]) -> Visibility:
    """Give what a regulator sees with a documented purpose; others see what they saw."""
    if "regulator" not in roles:
        return sight
    return replace(sight, classes=sight.classes | REFERRAL)


def demand_break_glass(principal: Principal) -> None:
    """Raise GW-8033 unless the client may open a patient's records in an emergency."""
    demand(principal, "Patient", "read")
    if "hospital" not in principal.roles:
        raise GatewayError("GW-8033")


def visibility(
    shard: int, member: str, roles: Collection[str], scopes: tuple[Scope, ...]
) -> Visibility:
    """Turn a member's roles and a token's scopes into the predicate of its queries.

    A regulator sees no identified record here: see ``for_purpose``.
    """
    classes = 0
    for role in roles:
        classes |= _CLASSES.get(role, 0)
    return Visibility(
        shard,
        member,
        classes=classes,
        sees_all="operator" in roles,
        types=readable_types(scopes),
        narrowed=narrowed_types(scopes),
    )


def demand(principal: Principal, type_: str, interaction: str) -> None:
    """Raise GW-8003 unless the token's scopes allow the interaction on the type."""
    if not permits(parse_scopes(" ".join(principal.scopes)), type_, interaction):
        raise GatewayError("GW-8003", type=type_, interaction=interaction)


def demand_intake(principal: Principal, channel: str, owner: str) -> None:
    """Raise unless the client may send to a channel of the member ``owner``.

    GW-1001 for another member's channel, as for one that does not exist; GW-8004 without scope.
    """
    if principal.member != owner and not principal.visibility.sees_all:
        raise GatewayError("GW-1001", channel=channel)
    if not permits_intake(parse_scopes(" ".join(principal.scopes)), channel):
        raise GatewayError("GW-8004", channel=channel)


def demand_change(principal: Principal, type_: str, owner: str, parties: Collection[str]) -> None:
    """Raise GW-8005 unless the member may change a version that it sees.

    Its owner may, the operator may, and a Task's parties may: the receiving hospital answers a
    referral by changing the sender's Task.
    """
    if principal.visibility.sees_all or principal.member == owner:
        return
    if type_ == "Task" and principal.member in parties:
        return
    raise GatewayError("GW-8005", type=type_)


def demand_id(principal: Principal, id_: str, *, is_allowed: bool) -> None:
    """Raise GW-8007 unless the client may choose this id for a resource it does not see.

    Whether the id is free or belongs to something invisible must not show in the answer. So a
    member chooses only ids that begin with its own name and a dot, which nobody else can hold;
    the operator, who sees all, chooses any.
    """
    if principal.visibility.sees_all:
        return
    if not (is_allowed and id_.startswith(f"{principal.member}.")):
        raise GatewayError("GW-8007", prefix=f"{principal.member}.")
