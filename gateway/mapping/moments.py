"""Dates and times as native systems write them, into FHIR text of the same precision.

Nothing is invented: a year stays a year, an offset stays as written, a local time gets the
zone that the mapping or the channel names, else only its date is kept.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.mapping.run import Convert, Run, Spot
from gateway.mapping.tracing import Sources, place_of

_OFFSET = r"\s*(Z|z|[+-]\d{2}:?\d{2})?"
_DIGITS = re.compile(
    r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,9}))?)?)?)?)?)?" + _OFFSET
)
_MARKED = re.compile(
    r"(\d{4})[-/.年](\d{1,2})(?:月?\s*\Z|[-/.月](\d{1,2})日?"
    r"(?:[T\s]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?" + _OFFSET + r")"
)
_TIME = re.compile(r"(\d{1,2}):?(\d{2})(?::?(\d{2})(?:\.(\d{1,9}))?)?")
Parts = tuple[str | None, ...]


@lru_cache(maxsize=4096)
def parse(text: str) -> Parts | None:
    """Split a native date or time into year … fraction, offset; None when it is neither."""
    found = _DIGITS.fullmatch(text) or _MARKED.fullmatch(text)
    if found is None:
        return None
    parts = found.groups()
    year, month, day, hour, minute, second = (int(p) if p else None for p in parts[:6])
    try:
        date(year or 0, month or 1, day or 1)
    except ValueError:
        return None
    if (hour or 0) > 23 or (minute or 0) > 59 or (second or 0) > 59:
        return None
    return parts if _is_offset(parts[7]) else None


def _is_offset(offset: str | None) -> bool:
    """Say whether an offset is one that a place on earth can have (at most 14 hours)."""
    if not offset or offset in "Zz":
        return True
    minutes = int(offset[-2:])
    return minutes < 60 and int(offset[1:3]) * 60 + minutes <= 14 * 60


def date_text(parts: Parts) -> str:
    """Write the date with the precision it has."""
    year, month, day = parts[:3]
    text = str(year)
    if month:
        text += f"-{month:0>2}"
    if day:
        text += f"-{day:0>2}"
    return text


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def offset_text(parts: Parts, zone: str) -> str:
    """Give the offset that a zone has at a local time, as ``+08:00``."""
    numbers = [int(p) for p in parts[:5] if p]
    moment = datetime(*numbers, tzinfo=_zone(zone))  # type: ignore[arg-type,misc]  # year … minute
    total = moment.utcoffset() or timedelta(0)
    minutes = round(total.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _clock(parts: Parts, zone: str | None) -> str | None:
    """Write time and offset; None when neither an offset nor a zone is known."""
    hour, minute, second, fraction, offset = parts[3:8]
    if offset:
        end = "Z" if offset in "Zz" else f"{offset[:3]}:{offset[-2:]}"
    elif zone:
        end = offset_text(parts, zone)
    else:
        return None
    tail = f".{fraction}" if fraction else ""
    return f"{hour:0>2}:{minute}:{second or '00'}{tail}{end}"


def moment_text(text: str, zone: str | None) -> str | None:
    """Write an event time for ordering records: None when it is not a time at all."""
    parts = parse(text)
    if parts is None:
        return None
    clock = _clock(parts, zone) if parts[3] and parts[4] else None
    return f"{date_text(parts)}T{clock}" if clock else date_text(parts)


def event_text(text: str, zone: str | None) -> str | None:
    """Write an event time; a day without a time counts from its start in the mapping's zone."""
    parts = parse(text)
    if parts is not None and parts[2] and not parts[3] and zone:
        parts = (*parts[:3], "00", "00", "00", None, None)
        return f"{date_text(parts)}T{_clock(parts, zone)}"
    return moment_text(text, zone)


def is_to_the_second(text: str, zone: str | None) -> bool:
    """Say whether a text is a time to the second whose offset or zone is known."""
    parts = parse(text)
    return parts is not None and bool(parts[4] and parts[5] and (parts[7] or zone))


def make_date(spot: Spot) -> Convert:
    """Compile ``as: date``."""

    def convert(text: str, run: Run, sources: Sources) -> str | None:
        parts = parse(text)
        if parts is None:
            run.unreadable(spot, sources, "date")
            return None
        return date_text(parts)

    return convert


@lru_cache(maxsize=4096)
def _date_time(text: str, zone: str | None) -> tuple[str | None, str]:
    """Write a dateTime, with the number of the finding about what was left out, if any."""
    parts = parse(text)
    if parts is None:
        return None, "GW-3103"
    if not parts[3]:
        return date_text(parts), ""
    if not parts[4]:
        return date_text(parts), "GW-3205"
    clock = _clock(parts, zone)
    return (f"{date_text(parts)}T{clock}", "") if clock else (date_text(parts), "GW-3201")


@lru_cache(maxsize=4096)
def _instant(text: str, zone: str | None) -> tuple[str | None, str]:
    """Write an instant, or give the number of the finding why there is none."""
    parts = parse(text)
    if parts is None:
        return None, "GW-3103"
    clock = _clock(parts, zone) if parts[4] and parts[5] else None
    return (f"{date_text(parts)}T{clock}", "") if clock else (None, "GW-3205")


def make_date_time(spot: Spot) -> Convert:
    """Compile ``as: dateTime``: seconds may be zero-filled (R4 dateTime), nothing else is."""

    def convert(text: str, run: Run, sources: Sources) -> str | None:
        made, finding = _date_time(text, run.zone)
        if not finding:
            return made
        if made is None:
            run.unreadable(spot, sources, "dateTime")
        elif finding == "GW-3205":
            run.warn("GW-3205", spot, place_of(sources), function="dateTime")
        else:
            run.warn("GW-3201", spot, place_of(sources))
        return made

    return convert


def make_instant(spot: Spot) -> Convert:
    """Compile ``as: instant``: left out with a warning when seconds or zone are not known."""

    def convert(text: str, run: Run, sources: Sources) -> str | None:
        made, finding = _instant(text, run.zone)
        if finding == "GW-3103":
            run.unreadable(spot, sources, "instant")
        elif finding:
            run.warn("GW-3205", spot, place_of(sources), function="instant")
        return made

    return convert


def make_time(spot: Spot) -> Convert:
    """Compile ``as: time``: a time of day without zone."""

    def convert(text: str, run: Run, sources: Sources) -> str | None:
        found = _TIME.fullmatch(text)
        if found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 59:
            run.unreadable(spot, sources, "time")
            return None
        tail = f".{found[4]}" if found[4] else ""
        return f"{found[1]:0>2}:{found[2]}:{found[3] or '00'}{tail}"

    return convert


MAKERS: dict[str, Callable[[Spot], Convert]] = {
    "date": make_date,
    "dateTime": make_date_time,
    "instant": make_instant,
    "time": make_time,
}
