"""Dates and times of any precision, compared in three values (FHIRPath N1, 6.2 and 6.7)."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from gateway.fhir.fhirpath.errors import EvaluationError

Kind = Literal["date", "dateTime", "time"]

_DATE = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?"
    r"(?:(T)(?:(\d{2})(?::(\d{2})(?::(\d{2}(?:\.\d+)?))?)?(Z|[+-]\d{2}:\d{2})?)?)?"
)
_TIME = re.compile(r"T?(\d{2})(?::(\d{2})(?::(\d{2}(?:\.\d+)?))?)?")
_EDGE_MINUTES = 14 * 60

Part = int | Decimal


@dataclass(frozen=True, slots=True)
class Temporal:
    """A date, dateTime or time: its known parts in order, and the zone in minutes if one is said.

    ``parts`` is (year, month, day, hour, minute, second) or, for a time, (hour, minute, second),
    cut where the precision ends; seconds are Decimal.
    """

    kind: Kind
    parts: tuple[Part, ...]
    zone: int | None
    text: str

    def __eq__(self, other: object) -> bool:
        """Say whether both state the same moment at the same precision."""
        return isinstance(other, Temporal) and compare(self, other) == 0

    def __hash__(self) -> int:
        """Hash what equality compares."""
        return hash(_comparable(self))


def parse_temporal(text: str, kind: Kind | None = None) -> Temporal:
    """Parse ISO text (a leading ``T`` or kind ``time`` means a time); raise EvaluationError."""
    if kind == "time" or text.startswith("T"):
        match = _TIME.fullmatch(text)
        if match is None:
            raise EvaluationError("this is no time")
        parts = _numbers(match.groups())
        _demand_clock(parts)
        return Temporal("time", parts, None, text)
    match = _DATE.fullmatch(text)
    if match is None:
        raise EvaluationError("this is no date")
    year, month, day, has_time, hour, minute, second, zone = match.groups()
    parts = _numbers((year, month, day, hour, minute, second) if day else (year, month, day))
    _demand_calendar(parts)
    _demand_clock(parts[3:])
    is_moment = kind == "dateTime" or (kind is None and has_time is not None)
    return Temporal("dateTime" if is_moment else "date", parts, _minutes(zone), text)


def _numbers(texts: tuple[str | None, ...]) -> tuple[Part, ...]:
    return tuple(Decimal(text) if "." in text else int(text) for text in texts if text is not None)


def _demand_calendar(parts: tuple[Part, ...]) -> None:
    numbers = [int(part) for part in parts[:3]] + [1, 1]
    try:
        date(numbers[0], numbers[1], numbers[2])
    except ValueError as err:
        raise EvaluationError("this day is not in the calendar") from err


def _demand_clock(parts: tuple[Part, ...]) -> None:
    if any(part >= limit for part, limit in zip(parts, (24, 60, 61), strict=False)):
        raise EvaluationError("this time is not on the clock")


def _minutes(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def _comparable(moment: Temporal) -> tuple[Part, ...]:
    """Give the parts, in UTC where a zone and at least minutes are known."""
    if not moment.zone or len(moment.parts) < 5 or moment.kind == "time":
        return moment.parts
    year, month, day, hour, minute = (int(part) for part in moment.parts[:5])
    try:
        shifted = datetime(year, month, day, hour, minute, tzinfo=UTC) - timedelta(
            minutes=moment.zone
        )
    except OverflowError:
        return moment.parts
    whole: tuple[Part, ...] = (
        shifted.year,
        shifted.month,
        shifted.day,
        shifted.hour,
        shifted.minute,
    )
    return whole + moment.parts[5:]


def compare(left: Temporal, right: Temporal) -> int | None:
    """Give -1, 0 or 1, or None when the precision or a missing zone leaves it open."""
    if (left.kind == "time") != (right.kind == "time"):
        return None
    ours, theirs = _comparable(left), _comparable(right)
    has_clock = len(ours) > 3 and len(theirs) > 3 and left.kind != "time"
    if has_clock and (left.zone is None) != (right.zone is None):
        return _compare_apart(ours, theirs)
    for mine, other in zip(ours, theirs, strict=False):
        if mine != other:
            return -1 if mine < other else 1
    return 0 if len(ours) == len(theirs) else None


def _compare_apart(ours: tuple[Part, ...], theirs: tuple[Part, ...]) -> int | None:
    """Compare when only one side has a zone: certain beyond fourteen hours, else open."""
    apart = _whole_minutes(ours) - _whole_minutes(theirs)
    if abs(apart) <= _EDGE_MINUTES:
        return None
    return -1 if apart < 0 else 1


def _whole_minutes(parts: tuple[Part, ...]) -> int:
    year, month, day, hour = (int(part) for part in parts[:4])
    minute = int(parts[4]) if len(parts) > 4 else 0
    return date(year, month, day).toordinal() * 1440 + hour * 60 + minute


def shift(moment: Temporal, amount: Decimal, unit: str) -> Temporal:
    """Add calendar units (N1, 6.7): a unit finer than the precision is cut to it."""
    if moment.kind == "time":
        return _shift_time(moment, amount, unit)
    months = {"year": 12, "month": 1}.get(unit)
    if months is not None:
        return _shift_months(moment, int(amount) * months)
    seconds = _seconds(amount, unit)
    parts = [int(part) for part in moment.parts]
    padded: list[int] = [*parts, *[0, 1, 1, 0, 0, 0][len(parts) :]]
    if len(parts) < 3:
        days = int(seconds / 86400)
        return _shift_months(moment, int(days / 30) if len(parts) == 2 else int(days / 365) * 12)
    if len(parts) == 3:
        seconds = Decimal(int(seconds / 86400) * 86400)
    fraction = Decimal(moment.parts[5]) % 1 if len(moment.parts) > 5 else Decimal(0)
    micro = int((seconds + fraction) * 1_000_000)
    try:
        moved = datetime(*padded[:6], tzinfo=UTC) + timedelta(microseconds=micro)  # type: ignore[misc,arg-type]
    except (OverflowError, ValueError) as err:
        raise EvaluationError("the date leaves the calendar") from err
    return _rebuilt(moment, moved, len(moment.parts))


def _seconds(amount: Decimal, unit: str) -> Decimal:
    sizes = {"week": 604800, "day": 86400, "hour": 3600, "minute": 60, "second": 1}
    if unit == "millisecond":
        return amount / 1000
    if unit not in sizes:
        raise EvaluationError(f"a date cannot be moved by {unit!r}")
    return (amount if unit == "second" else Decimal(int(amount))) * sizes[unit]


def _shift_months(moment: Temporal, months: int) -> Temporal:
    year = int(moment.parts[0])
    month = int(moment.parts[1]) if len(moment.parts) > 1 else 1
    total = year * 12 + month - 1 + months
    year, month = total // 12, total % 12 + 1
    if not 1 <= year <= 9999:
        raise EvaluationError("the date leaves the calendar")
    parts: list[Part] = list((year, month)[: min(2, len(moment.parts))])
    if len(moment.parts) > 2:
        following = (
            date(year + month // 12, month % 12 + 1, 1) if year < 9999 or month < 12 else None
        )
        last = (following - timedelta(days=1)).day if following else 31
        parts.append(min(int(moment.parts[2]), last))
    whole = tuple(parts) + moment.parts[3:]
    return Temporal(moment.kind, whole, moment.zone, _text(moment.kind, whole, moment.zone))


def _shift_time(moment: Temporal, amount: Decimal, unit: str) -> Temporal:
    hour, minute, second = [*(Decimal(part) for part in moment.parts), Decimal(0), Decimal(0)][:3]
    total = (hour * 3600 + minute * 60 + second + _seconds(amount, unit)) % 86400
    whole: list[Part] = [int(total // 3600), int(total // 60 % 60), total % 60]
    if whole[2] == int(whole[2]):
        whole[2] = int(whole[2])
    parts = tuple(whole[: len(moment.parts)])
    return Temporal("time", parts, None, _text("time", parts, None))


def _rebuilt(moment: Temporal, moved: datetime, precision: int) -> Temporal:
    second: Part = moved.second
    if moved.microsecond:
        second = Decimal(moved.second) + Decimal(moved.microsecond) / 1_000_000
    parts: tuple[Part, ...] = (
        moved.year, moved.month, moved.day, moved.hour, moved.minute, second,
    )[:precision]  # fmt: skip
    return Temporal(moment.kind, parts, moment.zone, _text(moment.kind, parts, moment.zone))


def _text(kind: Kind, parts: tuple[Part, ...], zone: int | None) -> str:
    def two(part: Part) -> str:
        whole, dot, rest = str(part).partition(".")
        return whole.zfill(2) + dot + rest

    if kind == "time":
        return ":".join(two(part) for part in parts)
    text = "-".join([f"{parts[0]:04d}", *(two(part) for part in parts[1:3])])
    if len(parts) > 3:
        text += "T" + ":".join(two(part) for part in parts[3:])
        if zone is not None:
            sign, size = ("-", -zone) if zone < 0 else ("+", zone)
            text += f"{sign}{size // 60:02d}:{size % 60:02d}" if zone else "Z"
    return text
