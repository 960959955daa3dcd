"""FHIR dates and times as intervals of UTC microseconds, at the precision they were written.

R4 section 2.24.0.1. A year is a year long; nothing is made more exact than it is. Where a
time has no zone (a date has none), the interval is taken in UTC; a time of day without a zone is
refused, for FHIR does not allow it.
"""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_FORM = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:\d{2})?)?)?)?",
    re.ASCII,
)
_EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
_DAY_US = 86_400_000_000
_MINUTE_US = 60_000_000
_SECOND_US = 1_000_000
_MAX_ZONE_MINUTES = 14 * 60
_LEAP = "60"

Interval = tuple[int, int]

# The bounds of what a date can be written as; an open end of a period reaches to them.
EARLIEST_US = (1 - _EPOCH_DAY) * _DAY_US
LATEST_US = (datetime(9999, 12, 31, tzinfo=UTC).toordinal() - _EPOCH_DAY + 1) * _DAY_US - 1


def interval(text: str) -> Interval:
    """Give the first and the last microsecond (UTC, since 1970) of a date, dateTime or instant.

    A time without seconds, which searches may use, is a minute long. Raises ValueError when the
    text is none of the forms, names no real day, or has a time of day without a zone.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError("not a FHIR date or time")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if hour is None:
        return _days(int(year), month, day)
    if zone is None:
        raise ValueError("a time of day needs a zone")
    low = _day_start(int(year), int(month), int(day)) + _offset_in_day(hour, minute, second)
    low -= _zone_minutes(zone) * _MINUTE_US
    if second is None:
        return low, low + _MINUTE_US - 1
    if second == _LEAP:
        # No clock here counts it: it is the last moment of its minute, and so of its day.
        return low - 1, low - 1
    if fraction is None:
        return low, low + _SECOND_US - 1
    low += int(fraction[:6].ljust(6, "0"))
    return low, low + 10 ** max(6 - len(fraction), 0) - 1


def parse_instant(text: str) -> datetime:
    """Read an instant or a dateTime with time and zone as an aware datetime in UTC.

    Raises ValueError for a text with less than seconds: it is no point in time.
    """
    if len(text) < len("2026-01-01T00:00:00Z"):
        raise ValueError("not a point in time")
    low, _ = interval(text)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=low)


def begin(text: str, zone: str | None) -> datetime:
    """Give the first moment of a date or dateTime in UTC, to bring records in order.

    A date without a time begins in ``zone`` (UTC if None). Raises ValueError like ``interval``.
    """
    low, _ = interval(text)
    if "T" not in text and zone is not None:
        low -= _zone_us(zone, low)
    # A zone may move the first and the last day out of what a datetime can hold.
    low = min(max(low, EARLIEST_US), LATEST_US)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=low)


def _zone_us(zone: str, local_us: int) -> int:
    local = datetime(1970, 1, 1) + timedelta(microseconds=local_us)  # noqa: DTZ001 - local.
    return (ZoneInfo(zone).utcoffset(local) or timedelta(0)) // timedelta(microseconds=1)


def format_instant(moment: datetime) -> str:
    """Write an aware datetime as an instant in UTC with milliseconds.

    Raises ValueError for a datetime without a zone.
    """
    if moment.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def microseconds(moment: datetime) -> int:
    """Count the microseconds (UTC, since 1970) of an aware datetime."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _days(year: int, month: str | None, day: str | None) -> Interval:
    if month is None:
        first, last = (1, 1), (12, 31)
    elif day is None:
        first, last = (int(month), 1), (int(month), _days_in_month(year, int(month)))
    else:
        first = last = (int(month), int(day))
    return _day_start(year, *first), _day_start(year, *last) + _DAY_US - 1


def _days_in_month(year: int, month: int) -> int:
    if not (1 <= month <= 12 and year >= 1):
        raise ValueError("not a month")
    return monthrange(year, month)[1]


def _day_start(year: int, month: int, day: int) -> int:
    # datetime refuses the day that does not exist.
    return (datetime(year, month, day, tzinfo=UTC).toordinal() - _EPOCH_DAY) * _DAY_US


def _offset_in_day(hour: str, minute: str, second: str | None) -> int:
    # R4 permits the leap second (:60).
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 60:
        raise ValueError("not a time of day")
    return (int(hour) * 60 + int(minute)) * _MINUTE_US + int(second or 0) * _SECOND_US


def _zone_minutes(zone: str) -> int:
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    if minutes > _MAX_ZONE_MINUTES or int(zone[4:6]) > 59:
        raise ValueError("not a zone")
    return -minutes if zone[0] == "-" else minutes
