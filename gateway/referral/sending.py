"""A referral leaves, is answered or withdrawn: rights to see, and notices."""

from gateway.access.classes import CLINICAL, IDENTITY, REFERRAL
from gateway.errors import issue
from gateway.reactions import Turn, literal, member_named, name, sender_of
from gateway.records import Reading, Relation, Resource
from gateway.referral.state import ACCEPTED, GONE, WAITING, fulfilments


def order_changed(turn: Turn) -> None:
    """Tell the receivers of a referral that became active, and give them the right to read."""
    event, reading, answer = turn.event, turn.reading, turn.answer
    order, previous = event.resource, event.previous
    if order["status"] != "active":
        return
    known = _receivers(previous, reading) if previous and previous["status"] == "active" else {}
    for member in _receivers(order, reading):
        if member not in known:
            _give_to(turn, member, order)
    if not _receivers(order, reading) and not known and previous is None:
        answer.issues.append(issue("GW-6212", "information", expression="ServiceRequest.performer"))


def task_changed(turn: Turn) -> None:
    """Carry the step of a fulfil-referral task to the other side."""
    reading, answer = turn.reading, turn.answer
    task, previous = turn.event.resource, turn.event.previous
    referral = literal(task.get("focus"))
    order = reading.read(*referral) if referral else None
    if order is None or task["id"] not in {one["id"] for one in fulfilments(order, reading)}:
        return  # A task about an order of somebody else moves nothing.
    before = previous["status"] if previous else None
    status = task["status"]
    sender = member_named(task.get("requester"), reading, task)
    receiver = member_named(task.get("owner"), reading, task)
    if status == "requested" and before != "requested" and receiver:
        if order["status"] == "active" and not _was_told(task, order, receiver, reading):
            _give_to(turn, receiver, order, cause=task)
    elif status in ACCEPTED and before not in ACCEPTED:
        if receiver and (own := sender_of(task, order, reading)):
            _open_both_ways(turn, order, own, receiver)
        answer.notify(
            sender, "referral-answered", name(task), name(order), f"{name(task)}/accepted"
        )
    elif status in GONE and before not in GONE:
        if receiver:
            answer.ended += [
                _reason(order, receiver),
                _reason(task, receiver),
                _reason(order, receiver, "accepted"),
            ]
        topic, other = (
            ("referral-withdrawn", receiver)
            if status in {"cancelled", "entered-in-error"}
            else ("referral-answered", sender)
        )
        answer.notify(other, topic, name(task), name(order), f"{name(task)}/{status}")


def _give_to(turn: Turn, member: str, order: Resource, cause: Resource | None = None) -> None:
    """Let a receiver read what the sender has about the person, and tell it.

    ``cause`` is the order, or the new task by which it was sent once more.
    """
    event = turn.event
    if event.person is not None:
        turn.answer.relations.append(
            Relation(
                event.person,
                member,
                event.owner,
                CLINICAL | IDENTITY | REFERRAL,
                _reason(cause or order, member),
                event.now_utc,
            )
        )
    turn.answer.notify(member, "referral-received", name(order), name(order), name(cause or order))


def _open_both_ways(turn: Turn, order: Resource, sender: str, receiver: str) -> None:
    """Let the receiver read all about the person, the sender what the receiver writes."""
    event = turn.event
    person = turn.reading.person_of("ServiceRequest", order["id"]) or event.person
    if person is None:
        return
    now = event.now_utc
    turn.answer.relations += [
        Relation(
            person, receiver, None, CLINICAL | IDENTITY, _reason(order, receiver, "accepted"), now
        ),
        Relation(
            person,
            sender,
            receiver,
            CLINICAL | IDENTITY | REFERRAL,
            _reason(order, sender, "accepted"),
            now,
        ),
    ]


def _receivers(order: Resource, reading: Reading) -> dict[str, None]:
    """The members that an order names as performers, in its order."""
    named = (member_named(one, reading, order) for one in order.get("performer", ()))
    return dict.fromkeys(member for member in named if member)


def _was_told(task: Resource, order: Resource, receiver: str, reading: Reading) -> bool:
    """Whether the order's own sending told the receiver, and no earlier task to it has ended."""
    earlier = [
        other
        for other in fulfilments(order, reading)
        if other["id"] != task["id"]
        and other["status"] not in WAITING
        and member_named(other.get("owner"), reading, other) == receiver
    ]
    return receiver in _receivers(order, reading) and not earlier


def _reason(cause: Resource, member: str, what: str = "sent") -> str:
    """Name the cause of a right, so that it can be ended by name."""
    return f"{name(cause)}:{what}:{member}"
