"""All that happened to a referral on one page: who, when, what, how long it waited, what is next.

Made from what the reader may see. Both languages stand side by side.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.fhir.times import format_instant, interval
from gateway.reactions import direction, name
from gateway.records import Json, Resource
from gateway.referral.state import kind_of
from gateway.referral.table import KINDS, SIDES, final_states, limit_of, steps_from
from gateway.referral.terms import EVENT
from gateway.referral.trail import due, event_of, is_overdue, steps_in

DIRECTIONS = {
    "up": ("上转", "up"),
    "down": ("下转", "down"),
    "outbound": ("外转", "outbound"),
    "same-level": ("平转", "same level"),
}
_STAYS = {
    "start": ("入院或就诊", "Stay begins"),
    "end": ("出院或就诊结束", "Stay ends"),
}
NameOf = Callable[[Json], str]
"""Gives the name of an organisation that a reference names."""


@dataclass(frozen=True, slots=True)
class Way:
    """What belongs to one requisition, as far as the reader sees it."""

    orders: tuple[Resource, ...]
    tasks: tuple[Resource, ...]
    encounters: tuple[Resource, ...] = ()
    messages: tuple[Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the page; ``at_us`` counts microseconds since 1970, UTC."""

    at_us: int
    when: str
    code: str
    zh: str
    en: str
    who: str
    about: str


def timeline(way: Way, name_of: NameOf, now: datetime, zone: Callable[[int], str]) -> Resource:
    """Make the page as Parameters: ``step`` by time, ``next`` for what is awaited, ``page``.

    ``zone`` writes a moment (microseconds, UTC) as people there read it.
    """
    moments = sorted(_moments(way, name_of), key=lambda one: one.at_us)
    parameters: list[Resource] = []
    lines: list[str] = []
    before: int | None = None
    for one in moments:
        waited = None if before is None else timedelta(microseconds=one.at_us - before)
        parameters.append(_step(one, waited))
        lines.append(_line(one, waited, zone))
        before = one.at_us
    for task in way.tasks:
        if awaited := _awaited(task, name_of, now, before, zone):
            parameters.append(awaited[0])
            lines.append(awaited[1])
    number = next((one["requisition"] for one in way.orders if one.get("requisition")), None)
    head = [{"name": "requisition", "valueIdentifier": number}] if number else []
    page = {"name": "page", "valueMarkdown": "\n".join(lines) or "—"}
    return {"resourceType": "Parameters", "parameter": [*head, *parameters, page]}


def span(waited: timedelta) -> tuple[str, str]:
    """Say a length of time as people say it: days and hours, hours and minutes."""
    minutes = max(int(waited.total_seconds() // 60), 0)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days}天{hours}小时", f"{days} d {hours} h"
    if hours:
        return f"{hours}小时{rest}分", f"{hours} h {rest} min"
    return f"{rest}分", f"{rest} min"


def _moments(way: Way, name_of: NameOf) -> Iterable[Moment]:
    of_order = {name(order): order for order in way.orders}
    for order in way.orders:
        if order.get("authoredOn"):
            zh, en = DIRECTIONS.get(direction(order) or "", ("转诊", "referral"))
            who = name_of(order.get("requester"))
            to = "、".join(name_of(one) for one in order.get("performer", ()))
            is_draft = order["status"] == "draft"
            did_zh, did_en = ("起草", "drafted") if is_draft else ("开具", "written")
            said = (f"{did_zh}{zh}单，拟转往{to}", f"Slip {did_en} ({en}), for {to}")
            yield _moment(order["authoredOn"], "written", said, who, name(order))
    for task in way.tasks:
        order = of_order.get((task.get("focus") or {}).get("reference", ""), {})
        which = DIRECTIONS.get(direction(order) or "", ("", ""))
        kind = KINDS.get(kind_of(task) or "", ("", ""))
        for note in steps_in(task):
            zh, _, en = note["text"].partition(" / ")
            said = (f"{which[0]}·{kind[0]}：{zh}", f"{kind[1]} ({which[1]}): {en}")
            who = name_of(note.get("authorReference")) or note.get("authorString", "")
            yield _moment(note["time"], event_of(note) or "", said, who, name(task))
    for stay in way.encounters:
        period = stay.get("period", {})
        for edge, said in _STAYS.items():
            if period.get(edge):
                who = name_of(stay.get("serviceProvider"))
                yield _moment(period[edge], f"encounter-{edge}", said, who, name(stay))
    for message in way.messages:
        if when := message.get("sent") or message.get("received"):
            said = ("诊疗反馈", "Interim feedback")
            yield _moment(when, "feedback", said, name_of(message.get("sender")), name(message))


def _moment(when: str, code: str, said: tuple[str, str], who: str, about: str) -> Moment:
    return Moment(interval(when)[0], when, code, *said, who, about)


def _step(one: Moment, waited: timedelta | None) -> Resource:
    part: list[Resource] = [
        {"name": "when", "valueDateTime": one.when},
        {"name": "event", "valueCoding": {"system": EVENT, "code": one.code}},
        {"name": "who", "valueString": one.who or "—"},
        {"name": "zh", "valueString": one.zh},
        {"name": "en", "valueString": one.en},
        {"name": "about", "valueReference": {"reference": one.about}},
    ]
    if waited is not None:
        part.append({"name": "waited", "valueDuration": _minutes(waited)})
    return {"name": "step", "part": part}


def _minutes(waited: timedelta) -> Resource:
    return {
        "value": max(int(waited.total_seconds() // 60), 0),
        "unit": "min",
        "system": "http://unitsofmeasure.org",
        "code": "min",
    }


def _line(one: Moment, waited: timedelta | None, zone: Callable[[int], str]) -> str:
    zh, en = span(waited) if waited is not None else ("", "")
    after = f"（隔 {zh} / after {en}）" if waited is not None else ""
    return f"- {zone(one.at_us)} **{one.who or '—'}** {one.zh} / {one.en}{after}"


def _awaited(
    task: Resource, name_of: NameOf, now: datetime, last: int | None, zone: Callable[[int], str]
) -> tuple[Resource, str] | None:
    """Say who has to act next on a task, and until when; None for one that is over."""
    kind = kind_of(task) or ""
    limit = limit_of(kind, task["status"])
    if task["status"] in final_states(kind) or not any(steps_from(kind, task["status"])):
        return None
    who, until = name_of(task.get("owner")), due(task)
    zh, en = (limit.zh, limit.en) if limit else KINDS[kind]
    late = is_overdue(task) or bool(until and interval(until)[0] < _now_us(now))
    part: list[Resource] = [
        {"name": "who", "valueString": who or SIDES["owner"][0]},
        {"name": "zh", "valueString": zh},
        {"name": "en", "valueString": en},
        {"name": "about", "valueReference": {"reference": name(task)}},
        {"name": "overdue", "valueBoolean": late},
    ]
    line = f"- 待办 / next: **{who or '—'}** {zh} / {en}"
    if until:
        part.append({"name": "until", "valueDateTime": until})
        line += f"，限 {zone(interval(until)[0])} 前 / due then" + (
            "，**已超时 OVERDUE**" if late else ""
        )
    steps = steps_in(task)
    since = interval(steps[-1]["time"])[0] if steps else last
    if since is not None:
        waited = timedelta(microseconds=_now_us(now) - since)
        part.append({"name": "waiting", "valueDuration": _minutes(waited)})
        line += "，已等 {} / waiting {}".format(*span(waited))
    return {"name": "next", "part": part}, line


def _now_us(now: datetime) -> int:
    return interval(format_instant(now.astimezone(UTC)))[0]
