"""What was done with a referral task, written into the task by the gateway: who, when, which step.

Each step is a note with the extension ``referral-step``. Nobody adds, changes or drops one by a
write of its own: the notes of the version before stand, and only what this write does is added.
So the notes played from the beginning lead through the table to the task's status.
"""

from datetime import datetime, timedelta

from gateway.fhir.times import format_instant, interval, microseconds
from gateway.reactions import literal, member_named, organization_of
from gateway.records import Event, Json, Reading, Resource
from gateway.referral.policy import Policy
from gateway.referral.state import kind_of
from gateway.referral.table import FULFIL, Step, limit_of, step_between, step_named
from gateway.referral.terms import EVENT, MARK, OVERDUE, STEP, business_status

URGENT = frozenset({"urgent", "asap", "stat"})


def event_of(note: Resource) -> str | None:
    """Give the event that a note records, None for a note that somebody wrote."""
    for one in note.get("extension", ()):
        if one.get("url") == STEP:
            code: str | None = one.get("valueCoding", {}).get("code")
            return code
    return None


def steps_in(task: Resource) -> list[Resource]:
    """Give the notes that record steps, in the order in which they were taken."""
    return [note for note in task.get("note", ()) if event_of(note)]


def replay(task: Resource) -> str | None:
    """Play the recorded steps from the beginning; give the state that they lead to.

    Raises ValueError at a step that the table does not allow.
    """
    kind, state = kind_of(task) or FULFIL, None
    for note in steps_in(task):
        step = step_named(kind, event_of(note) or "", state)
        if step is None:
            raise ValueError(f"{event_of(note)} is not allowed in {state}")
        state = step.after
    return state


def recorded(
    event: Event, reading: Reading, actor: str, order: Resource | None, policy: Policy
) -> Resource:
    """Give the task with its trail, requisition, time limit and mark as they have to be."""
    task, previous = event.resource, event.previous
    kind = kind_of(task) or FULFIL
    told = steps_in(previous) if previous else []
    reached, fresh = _taken_now(task, previous, kind, event.now_utc)
    step = step_between(kind, reached, task["status"]) if reached != task["status"] else None
    if step is not None:
        fresh.append(_note(step, reached, task, _speaker(task, actor, reading), event.now_utc))
    own = [note for note in task.get("note", ()) if not event_of(note)]
    written = task | {"note": own + told + fresh}
    if not written["note"]:
        written.pop("note")
    if requisition := (order or {}).get("requisition"):
        written["groupIdentifier"] = requisition
    if step is not None:
        written["lastModified"] = _moment(task, event.now_utc)
        if step.business:
            written["businessStatus"] = _business(step.business, task, previous)
        limited = _limited(written, kind, order, policy, event.now_utc)
        return _marked(limited, is_overdue=False)
    if previous is None or fresh:
        return written
    return _as_before(written, previous, event.now_utc)


def is_overdue(task: Resource) -> bool:
    """Say whether a task carries the mark."""
    return any(
        tag.get("system") == MARK and tag.get("code") == OVERDUE
        for tag in task.get("meta", {}).get("tag", ())
    )


def marked_overdue(task: Resource) -> Resource:
    """Give the task with the mark."""
    return _marked(task, is_overdue=True)


def due(task: Resource) -> str | None:
    """Give until when somebody has to act, None where nobody has to."""
    end: str | None = task.get("restriction", {}).get("period", {}).get("end")
    return end


def _taken_now(
    task: Resource, previous: Resource | None, kind: str, now: datetime
) -> tuple[str | None, list[Resource]]:
    """Give the steps that this very write has already recorded, and where they lead.

    One write may take several (an acceptance finds the patient already there). What else a client
    put in is no record of ours.
    """
    told = steps_in(previous) if previous else []
    state: str | None = previous["status"] if previous else None
    fresh = []
    for note in steps_in(task):
        step = step_named(kind, event_of(note) or "", state)
        if note in told or note.get("time") != format_instant(now) or step is None:
            continue
        fresh.append(note)
        state = step.after
    if state != task["status"] and step_between(kind, state, task["status"]) is None:
        return (previous["status"] if previous else None), []
    return state, fresh


def _note(
    step: Step, before: str | None, task: Resource, speaker: Resource, now: datetime
) -> Resource:
    reason = task.get("statusReason") or {}
    said = reason.get("text") or next(
        (one.get("display") or one.get("code") for one in reason.get("coding", ())), None
    )
    text = f"{step.zh} / {step.en}：{before or '—'} → {step.after}"
    if step.reasons and said:
        text += f"；原因 / reason：{said}"
    coding = {"system": EVENT, "code": step.event, "display": step.zh}
    return {
        "extension": [{"url": STEP, "valueCoding": coding}],
        **speaker,
        "time": format_instant(now),
        "text": text,
    }


def _speaker(task: Resource, actor: str, reading: Reading) -> Resource:
    """Name the acting member by its side's organisation, one that is no side by its name."""
    for element in ("owner", "requester"):
        if member_named(task.get(element), reading, task) == actor:
            organization = organization_of(task.get(element), reading, task)
            return {"authorReference": {"reference": f"Organization/{organization}"}}
    return {"authorString": actor}


def _business(code: str, task: Resource, previous: Resource | None) -> Resource:
    """Give the guide's code; what the writer says of it in this write stays beside it."""
    said, before = task.get("businessStatus"), (previous or {}).get("businessStatus")
    return business_status(code, said.get("text") if said and said != before else None)


def _moment(task: Resource, now: datetime) -> str:
    """Give the moment of a change: never before authoredOn, whose clock may be ahead (inv-1)."""
    text, authored = format_instant(now), task.get("authoredOn")
    is_ahead = authored is not None and interval(authored)[0] > interval(text)[0]
    return str(authored) if is_ahead else text


def _limited(
    task: Resource, kind: str, order: Resource | None, policy: Policy, now: datetime
) -> Resource:
    """Set until when the next step is due, by the region's limit; clear it where none is."""
    limit = limit_of(kind, task["status"])
    urgency = {(order or {}).get("priority"), task.get("priority")}
    hours = policy.hours(limit, is_urgent=bool(urgency & URGENT)) if limit else 0
    restriction: Json = dict(task.get("restriction") or {})
    period = {key: one for key, one in restriction.get("period", {}).items() if key == "start"}
    restriction.pop("period", None)
    if hours:
        period["end"] = format_instant(now + timedelta(hours=hours))
    if period:
        restriction["period"] = period
    rest = {key: value for key, value in task.items() if key != "restriction"}
    return rest | ({"restriction": restriction} if restriction else {})


def _as_before(task: Resource, previous: Resource, now: datetime) -> Resource:
    """Keep limit, mark and business status as the last step left them; omitting drops nothing."""
    kept = dict(task)
    for element in ("restriction", "businessStatus", "lastModified"):
        if previous.get(element) is not None and (
            element == "restriction" or task.get(element) is None
        ):
            kept[element] = previous[element]
    until = due(kept)
    is_late = until is not None and interval(until)[0] <= microseconds(now)
    return _marked(kept, is_overdue=is_overdue(previous) or (is_overdue(task) and is_late))


def _marked(task: Resource, *, is_overdue: bool) -> Resource:
    """Set or take away the mark of being overdue."""
    meta: Json = dict(task.get("meta") or {})
    tags = [one for one in meta.get("tag", ()) if one.get("system") != MARK]
    if is_overdue:
        tags.append({"system": MARK, "code": OVERDUE, "display": "已超时限"})
    meta.pop("tag", None)
    if tags:
        meta["tag"] = tags
    rest = {key: value for key, value in task.items() if key != "meta"}
    return rest | ({"meta": meta} if meta else {})


def focus_order(task: Resource, reading: Reading) -> Resource | None:
    """Give the order that a task is about."""
    target = literal(task.get("focus"))
    is_order = target is not None and target[0] == "ServiceRequest"
    return reading.read(*target) if target is not None and is_order else None
