"""Tasks that a gate leaves behind: what an emergency has to file, a violation to be corrected."""

from collections.abc import Sequence

from gateway.fhir.building import build
from gateway.fhir.systems import REFERRAL_TASK, ROOT
from gateway.fhir.times import format_instant
from gateway.reactions import Turn, direction, name
from gateway.records import BusinessKey, Issue, Resource
from gateway.referral.gates import bureau
from gateway.referral.table import CORRECT, FILE, KINDS

FILING_OF = f"{ROOT}/sid/referral-filing-of"
VIOLATION_OF = f"{ROOT}/sid/referral-violation-of"
NOT_REVIEWED = "GW-6244"


def ask_to_file(turn: Turn, found: Sequence[Issue]) -> None:
    """Ask the sender of an emergency to file what was missing, by the region's limit."""
    if found:
        _ask(turn, FILE, FILING_OF, found, turn.event.resource.get("requester"))


def note_violation(turn: Turn, found: Sequence[Issue]) -> None:
    """Enter an outbound referral that nobody has reviewed into the register of violations."""
    unreviewed = [one for one in found if one.number == NOT_REVIEWED]
    if unreviewed and direction(turn.event.resource) == "outbound":
        asker = bureau(turn) or turn.event.resource.get("requester")
        _ask(turn, CORRECT, VIOLATION_OF, unreviewed, asker)


def _ask(
    turn: Turn, kind: str, system: str, found: Sequence[Issue], asker: Resource | None
) -> None:
    order = turn.event.resource
    id_ = turn.context.id_for(BusinessKey("Task", system, order["id"], is_shared=True))
    if turn.reading.read("Task", id_) is not None:
        return
    duty = build(
        "Task",
        id=id_,
        status="requested",
        intent="order",
        code={"coding": [{"system": REFERRAL_TASK, "code": kind, "display": KINDS[kind][0]}]},
        focus={"reference": name(order)},
        **{"for": order["subject"]},
        authoredOn=format_instant(turn.event.now_utc),
        input=[
            {"type": {"coding": [{"code": one.number}], "text": "所缺 missing"},
             "valueString": f"{one.text_zh} / {one.text_en}"}
            for one in found
        ],
    )  # fmt: skip
    duty |= {"requester": asker, "owner": order.get("requester")}
    turn.answer.write(turn.event.owner, duty)
