from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import times


def us(*parts: int) -> int:
    return times.microseconds(datetime(*parts, tzinfo=UTC))  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "low", "after"),
    [
        ("2024", us(2024, 1, 1), us(2025, 1, 1)),
        ("2024-02", us(2024, 2, 1), us(2024, 3, 1)),
        ("2023-12", us(2023, 12, 1), us(2024, 1, 1)),
        ("1962-05-14", us(1962, 5, 14), us(1962, 5, 15)),
        ("2024-03-01T08:30:00+08:00", us(2024, 3, 1, 0, 30), us(2024, 3, 1, 0, 30, 1)),
        ("2024-03-01T08:30+08:00", us(2024, 3, 1, 0, 30), us(2024, 3, 1, 0, 31)),
        ("2024-03-01T00:00:00.5Z", us(2024, 3, 1) + 500_000, us(2024, 3, 1) + 600_000),
        ("2024-03-01T00:00:00.1234567Z", us(2024, 3, 1) + 123_456, us(2024, 3, 1) + 123_457),
        ("2016-12-31T23:59:60Z", us(2017, 1, 1) - 1, us(2017, 1, 1)),
        ("0001", times.EARLIEST_US, us(2, 1, 1)),
        ("9999", us(9999, 1, 1), times.LATEST_US + 1),
    ],
)
def test_a_time_is_as_long_as_it_was_written(text: str, low: int, after: int) -> None:
    assert times.interval(text) == (low, after - 1)


@pytest.mark.parametrize(
    "text",
    [
        *("", "24", "2024-13", "2024-00", "2023-02-29", "2024-2-1", "0000", "2024-01-01T"),
        *("2024-01-01T10", "2024-01-01T10:00:00", "2024-01-01T24:00:00Z", "2024-01-01T10:60:00Z"),
        *("2024-01-01T10:00:00+15:00", "2024-01-01 10:00:00Z", "２０２４", "2024\n", "2024-01-01Z"),
    ],
)
def test_what_is_no_fhir_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        times.interval(text)


zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
moments = st.builds(
    lambda us, zone: (datetime(1900, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).astimezone(
        zone
    ),
    st.integers(0, 200 * 365 * 86_400 * 10**6),
    zones,
)


@settings(max_examples=100)
@given(moments)
def test_the_interval_begins_at_the_very_moment(moment: datetime) -> None:
    assert times.interval(moment.isoformat(timespec="microseconds")) == (
        times.microseconds(moment),
        times.microseconds(moment),
    )


@settings(max_examples=100)
@given(moments)
def test_an_instant_keeps_its_milliseconds(moment: datetime) -> None:
    read = times.parse_instant(times.format_instant(moment))
    assert timedelta(0) <= moment - read < timedelta(milliseconds=1)


@settings(max_examples=100)
@given(st.dates())
def test_a_coarser_date_contains_the_finer_one(day: object) -> None:
    text = str(day)
    intervals = [times.interval(text[:length]) for length in (4, 7, 10)]
    for (low, high), (inner_low, inner_high) in pairwise(intervals):
        assert low <= inner_low <= inner_high <= high


def test_a_date_is_no_instant_and_a_moment_without_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="point in time"):
        times.parse_instant("2024-01-01")
    with pytest.raises(ValueError, match="zone"):
        times.format_instant(datetime(2024, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2026-11-02T10:20:00+08:00", "America/New_York", datetime(2026, 11, 2, 2, 20, tzinfo=UTC)),
        ("2026-11-02", "Asia/Shanghai", datetime(2026, 11, 1, 16, tzinfo=UTC)),
        ("2026-11", "Asia/Shanghai", datetime(2026, 10, 31, 16, tzinfo=UTC)),
        ("2026", None, datetime(2026, 1, 1, tzinfo=UTC)),
        ("0001-01-01", "Asia/Shanghai", datetime(1, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None, datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31", "America/New_York", datetime(9999, 12, 31, 5, tzinfo=UTC)),
        (
            "9999-12-31T23:59:59-12:00",
            None,
            datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        ),
    ],
)
def test_a_record_is_ordered_by_the_first_moment_of_its_time(
    text: str, zone: str | None, moment: datetime
) -> None:
    assert times.begin(text, zone) == moment
