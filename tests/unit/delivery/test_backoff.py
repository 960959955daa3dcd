"""The waits between attempts."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery import Backoff

NOW = datetime(2026, 11, 10, 8, 0, tzinfo=UTC)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_wait_never_exceeds_an_hour_nor_falls_below_half_of_its_length(
    attempts: int, chance: float
) -> None:
    next_utc = Backoff(lambda: chance).next_attempt(attempts, NOW, NOW)
    assert next_utc is not None
    wait = next_utc - NOW
    assert timedelta(seconds=2.5) <= wait <= timedelta(hours=1)


def test_waits_double() -> None:
    backoff = Backoff(lambda: 0.999999999)
    waits = [backoff.next_attempt(attempts, NOW, NOW) for attempts in (1, 2, 3, 4)]
    seconds = [round((wait - NOW).total_seconds()) for wait in waits if wait]
    assert seconds == [5, 10, 20, 40]


def test_after_three_days_there_is_no_next_attempt() -> None:
    backoff = Backoff(lambda: 0.5)
    assert backoff.next_attempt(80, NOW - timedelta(days=3, seconds=-1), NOW) is not None
    assert backoff.next_attempt(80, NOW - timedelta(days=3), NOW) is None


def test_what_the_receiver_asks_for_counts_up_to_an_hour() -> None:
    backoff = Backoff(lambda: 0.0)
    asked = backoff.next_attempt(1, NOW, NOW, timedelta(minutes=10))
    assert asked == NOW + timedelta(minutes=10)
    assert backoff.next_attempt(1, NOW, NOW, timedelta(days=9)) == NOW + timedelta(hours=1)
