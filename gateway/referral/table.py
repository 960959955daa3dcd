"""The state table of two-way referral: which step leads from where to where, who takes it, and how.

The only place that says so. ``state`` enforces it, ``trail`` writes down what was done, the
operations name its events, and docs/referral-states.md, the CapabilityStatement and the code
systems are made from it. *Requester* is the side that asks (the member that refers), *owner* the
side that is to act.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Side = Literal["requester", "owner"]
Guard = Literal["reason", "alternative", "encounter", "gates", "filed"]
State = str | None

REQUESTER: frozenset[Side] = frozenset({"requester"})
OWNER: frozenset[Side] = frozenset({"owner"})
EITHER: frozenset[Side] = REQUESTER | OWNER

ORDER = "order"
FULFIL = "fulfil-referral"
SIGN = "sign-down-referral"
REVIEW = "review-referral"
SLOT = "reserve-slot"
BED = "reserve-bed"
FOLLOW = "follow-up"
FILE = "file-referral"
CORRECT = "correct-violation"

KINDS: dict[str, tuple[str, str]] = {
    FULFIL: ("办理转诊", "Fulfil the referral"),
    SIGN: ("签署下转单", "Sign the down-referral"),
    REVIEW: ("医保审核转诊", "Review the referral for the insurer"),
    SLOT: ("预留号源", "Reserve a clinic slot"),
    BED: ("预留床位", "Reserve a bed"),
    FOLLOW: ("随访", "Follow the patient up"),
    FILE: ("补办急诊转诊手续", "File an emergency referral afterwards"),
    CORRECT: ("整改违规转诊", "Correct a violation of the referral rules"),
}
SIDES: dict[Side, tuple[str, str]] = {
    "requester": ("转出方（requester）", "the requester"),
    "owner": ("接收方（owner）", "the owner"),
}
GUARDS: dict[Guard, tuple[str, str]] = {
    "reason": ("须写明原因（statusReason）", "states its reason (statusReason)"),
    "alternative": ("须给出替代机构", "names an alternative"),
    "encounter": ("须有本机构的就诊记录", "an encounter at the owner shows it"),
    "gates": ("知情同意、资料与审核齐全", "consent, record and review are there"),
    "filed": ("所缺手续已补齐", "what was missing is there"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One row: ``event`` brings a ``kind`` of task (or the order) from ``before`` to ``after``.

    ``reasons`` names the list of REASONS that the reason's code has to be of. ``business`` is the
    status of the Chinese guide that the task then carries.
    """

    kind: str
    event: str
    before: tuple[State, ...]
    after: str
    actors: frozenset[Side]
    zh: str
    en: str
    guards: tuple[Guard, ...] = ()
    reasons: str | None = None
    operation: str | None = None
    business: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a kind of task may stay in a state, and how long when the order is urgent."""

    name: str
    kind: str
    states: tuple[str, ...]
    hours: int
    urgent_hours: int
    zh: str
    en: str


REASONS: dict[str, dict[str, tuple[str, str]]] = {
    "rejection": {
        "no-bed": ("无床位", "No bed"),
        "no-capability": ("无诊治能力", "Cannot treat it here"),
        "no-equipment": ("无所需设备", "Equipment missing"),
        "wrong-department": ("科室不符", "Wrong department"),
        "not-indicated": ("不符合转入指征", "Not indicated"),
        "incomplete-record": ("资料不全", "Record incomplete"),
        "elsewhere": ("建议改转其他机构", "Better sent elsewhere"),
        "other": ("其他", "Other"),
    },
    "withdrawal": {
        "patient-refused": ("患者或家属拒绝", "Refused by the patient or the proxy"),
        "redirected": ("改转其他机构", "Redirected"),
        "improved": ("病情好转", "Improved"),
        "died": ("死亡", "Died"),
        "mistaken": ("误开", "Written by mistake"),
        "other": ("其他", "Other"),
    },
    "failure": {
        "no-show": ("患者未到", "The patient did not come"),
        "left": ("患者自行离开", "The patient left"),
        "died": ("死亡", "Died"),
        "other": ("其他", "Other"),
    },
    "declining": {
        "patient-refused": ("患者或家属拒绝", "Refused by the patient or the proxy"),
        "no-further-care": ("无需后续诊疗", "No further care needed"),
        "no-drug": ("基层缺药", "The drug is missing there"),
        "no-bed": ("无床位", "No bed"),
        "no-capability": ("无诊治能力", "Cannot treat it here"),
        "other": ("其他", "Other"),
    },
    "refusal": {
        "not-indicated": ("不符合转入指征", "Not indicated"),
        "over-quota": ("超出转诊指标", "Over the quota"),
        "not-insured": ("不在参保范围", "Not covered"),
        "no-bed": ("无床位", "No bed"),
        "no-slot": ("无号源", "No slot"),
        "lost": ("失访", "Lost"),
        "died": ("死亡", "Died"),
        "other": ("其他", "Other"),
    },
}
NO_DRAFT_REASONS: dict[str, tuple[str, str]] = {
    "died": ("死亡", "Died"),
    "against-advice": ("非医嘱离院", "Left against advice"),
    "transferred-on": ("转往其他机构", "Transferred on"),
    "no-aftercare": ("无需后续诊疗", "No aftercare needed"),
}

_WAIT = ("requested", "received")
_TAKEN = ("accepted", "ready")


def _child(kind: str, event: str, zh: str, en: str, *, after: str = "completed") -> list[Step]:
    """Give the steps of a small task: asked for, done or refused, or not wanted any more."""
    open_ = (*_WAIT, "in-progress")
    title_zh, title_en = KINDS[kind]
    return [
        Step(kind, "ask", (None,), "requested", EITHER, f"提出{title_zh}", f"Ask: {title_en}"),
        Step(kind, "receive", ("requested",), "received", OWNER, "收到", "Receive"),
        Step(kind, "begin", _WAIT, "in-progress", OWNER, "开始办理", "Begin"),
        Step(kind, event, open_, after, OWNER, zh, en, ("filed",) if kind == FILE else ()),
        Step(kind, "refuse", open_, "rejected", OWNER, "不予办理", "Refuse",
             ("reason",), "refusal"),
        Step(kind, "cancel", open_, "cancelled", EITHER, "取消", "Cancel"),
    ]  # fmt: skip


STEPS: tuple[Step, ...] = (
    Step(ORDER, "draft", (None,), "draft", REQUESTER, "起草转诊单", "Draft the slip"),
    Step(ORDER, "sign", (None, "draft"), "active", REQUESTER, "签发转诊单", "Sign the slip",
         ("gates",), operation="$send"),
    Step(ORDER, "suspend", ("active",), "on-hold", REQUESTER, "暂停", "Suspend"),
    Step(ORDER, "resume", ("on-hold",), "active", REQUESTER, "恢复", "Resume"),
    Step(ORDER, "revoke", ("draft", "active", "on-hold"), "revoked", REQUESTER, "撤回转诊单",
         "Revoke the slip", operation="$withdraw"),
    Step(ORDER, "close", ("active",), "completed", EITHER, "转诊结束", "Close"),
    Step(ORDER, "annul", ("draft", "active", "on-hold", "completed"), "entered-in-error", REQUESTER,
         "作废", "Annul"),
    Step(FULFIL, "draft", (None,), "draft", REQUESTER, "起草", "Draft"),
    Step(FULFIL, "send", (None, "draft"), "requested", REQUESTER, "发出转诊", "Send",
         operation="$send", business="C01001"),
    Step(FULFIL, "receive", ("requested",), "received", OWNER, "收到转诊", "Receive"),
    Step(FULFIL, "accept", _WAIT, "accepted", OWNER, "同意接收", "Accept",
         operation="$accept", business="C01002"),
    Step(FULFIL, "reject", _WAIT, "rejected", OWNER, "拒绝接收", "Reject",
         ("reason", "alternative"), "rejection", "$reject", "C01002"),
    Step(FULFIL, "withdraw", ("draft", *_WAIT, *_TAKEN, "on-hold"), "cancelled", REQUESTER,
         "撤回或改转", "Withdraw or redirect", reasons="withdrawal",
         operation="$withdraw, $redirect"),
    Step(FULFIL, "annul", ("draft", *_WAIT), "entered-in-error", REQUESTER, "作废", "Annul"),
    Step(FULFIL, "reserve", ("accepted",), "ready", OWNER, "号源或床位已留", "Reserve slot or bed"),
    Step(FULFIL, "hold", (*_TAKEN, "in-progress"), "on-hold", OWNER, "暂停办理", "Hold"),
    Step(FULFIL, "resume", ("on-hold",), "accepted", OWNER, "恢复办理", "Resume"),
    Step(FULFIL, "resume-reserved", ("on-hold",), "ready", OWNER, "恢复（已留号源或床位）",
         "Resume, reserved"),
    Step(FULFIL, "resume-treatment", ("on-hold",), "in-progress", OWNER, "患者到诊或恢复诊疗",
         "Arrive, or resume treatment", operation="$arrive", business="C01003"),
    Step(FULFIL, "arrive", _TAKEN, "in-progress", OWNER, "患者到诊", "Arrive",
         operation="$arrive", business="C01003"),
    Step(FULFIL, "arrive-first", _WAIT, "in-progress", OWNER, "未及答复患者已到诊",
         "Arrive before the answer", ("encounter",), operation="$arrive", business="C01003"),
    Step(FULFIL, "no-show", (*_TAKEN, "on-hold"), "failed", OWNER, "患者未到", "No-show",
         reasons="failure"),
    Step(FULFIL, "break-off", ("in-progress",), "failed", OWNER, "诊疗中断", "Break off",
         reasons="failure"),
    Step(FULFIL, "complete", (*_TAKEN, "in-progress"), "completed", OWNER, "诊疗结束",
         "Complete", operation="$complete", business="C01004"),
    Step(FULFIL, "complete-first", _WAIT, "completed", OWNER, "未及答复诊疗已结束",
         "Complete before the answer", ("encounter",), operation="$complete", business="C01004"),
    Step(SIGN, "ask", (None,), "requested", EITHER, "网关起草下转单待签",
         "The gateway drafted the slip"),
    Step(SIGN, "receive", ("requested",), "received", OWNER, "收到", "Receive"),
    Step(SIGN, "begin", _WAIT, "in-progress", OWNER, "开始办理", "Begin"),
    Step(SIGN, "sign", (*_WAIT, "in-progress"), "completed", OWNER, "签署下转单", "Sign",
         operation="$send"),
    Step(SIGN, "decline", (*_WAIT, "in-progress"), "rejected", OWNER, "说明不下转",
         "Decline", ("reason",), "declining", "$reject"),
    Step(SIGN, "cancel", (*_WAIT, "in-progress"), "cancelled", OWNER, "无需签署", "Cancel"),
    *_child(REVIEW, "approve", "审核同意", "Approve", after="accepted"),
    *_child(SLOT, "reserve", "号源已留", "Slot reserved"),
    *_child(BED, "reserve", "床位已留", "Bed reserved"),
    *_child(FOLLOW, "visit", "已随访", "Followed up"),
    *_child(FILE, "file", "手续已补", "Filed"),
    *_child(CORRECT, "correct", "已整改", "Corrected"),
)  # fmt: skip

LIMITS: tuple[Limit, ...] = (
    Limit("answer", FULFIL, _WAIT, 24, 2, "答复转诊", "answer the referral"),
    Limit("arrive", FULFIL, _TAKEN, 168, 24, "患者到诊或登记未到", "arrival or no-show"),
    Limit("sign", SIGN, (*_WAIT, "in-progress"), 72, 72, "签署下转单", "sign the down-referral"),
    Limit("review", REVIEW, (*_WAIT, "in-progress"), 24, 4, "医保审核", "insurance review"),
    Limit("slot", SLOT, (*_WAIT, "in-progress"), 24, 4, "预留号源", "reserve a slot"),
    Limit("bed", BED, (*_WAIT, "in-progress"), 24, 4, "预留床位", "reserve a bed"),
    Limit("follow-up", FOLLOW, (*_WAIT, "in-progress"), 336, 336, "随访", "follow-up"),
    Limit("filing", FILE, (*_WAIT, "in-progress"), 72, 72, "补办手续", "filing"),
    Limit("correction", CORRECT, (*_WAIT, "in-progress"), 360, 360, "整改", "correction"),
)

_BY_MOVE = {(one.kind, before, one.after): one for one in STEPS for before in one.before}
_BY_EVENT = {(one.kind, one.event, before): one for one in STEPS for before in one.before}
_BY_STATE = {(one.kind, state): one for one in LIMITS for state in one.states}


def step_between(kind: str, before: State, after: str) -> Step | None:
    """Give the one step that leads from a state to another, None when there is none."""
    return _BY_MOVE.get((kind, before, after))


def step_named(kind: str, event: str, before: State) -> Step | None:
    """Give the step that an event is in a state, None when the event is not allowed there."""
    return _BY_EVENT.get((kind, event, before))


def limit_of(kind: str, state: str) -> Limit | None:
    """Give the time limit of a state, None where nobody has to act."""
    return _BY_STATE.get((kind, state))


def steps_from(kind: str, before: State) -> Iterator[Step]:
    """Give what is allowed in a state."""
    return (one for one in STEPS if one.kind == kind and before in one.before)


def states_of(kind: str) -> tuple[str, ...]:
    """Give every state of a kind, in the order of the table."""
    found = (state for one in STEPS if one.kind == kind for state in (*one.before, one.after))
    return tuple(dict.fromkeys(state for state in found if state is not None))


def final_states(kind: str) -> frozenset[str]:
    """Give the states that nothing leads out of."""
    return frozenset(state for state in states_of(kind) if not any(steps_from(kind, state)))


def allowed(kind: str, before: State) -> tuple[str, str]:
    """Say in Chinese and English what is allowed in a state, and by whom."""
    zh, en = [], []
    for one in steps_from(kind, before):
        sides = sorted(one.actors)
        who_zh = "或".join(SIDES[side][0] for side in sides)
        who_en = " or ".join(SIDES[side][1] for side in sides)
        zh.append(f"{one.zh}→{one.after}：{who_zh}")
        en.append(f"{one.en} ({one.after}) by {who_en}")
    return "；".join(zh) or "无，已经结束", "; ".join(en) or "nothing, it has ended"


def steps_of_type(type_: str) -> str:
    """Say in one paragraph per kind what a referral's resources of a type may go through."""
    kinds = {"ServiceRequest": (ORDER,), "Task": tuple(KINDS)}.get(type_, ())
    return "\n\n".join(
        f"**{kind}**: "
        + "; ".join(
            f"{one.event}: {', '.join(before or 'new' for before in one.before)} → {one.after} "
            f"({', '.join(sorted(one.actors))})"
            for one in STEPS
            if one.kind == kind
        )
        for kind in kinds
    )
