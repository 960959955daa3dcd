"""Buckets that fill again evenly."""

import pytest

from gateway.access.limits import Limit
from gateway.errors import GatewayError


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def refused(limit: Limit, key: str = "his") -> int | None:
    with pytest.raises(GatewayError) as caught:
        limit.take(key)
    assert (caught.value.number, caught.value.http) == ("GW-8024", 429)
    return caught.value.retry_after_s


def test_so_many_go_at_once_and_then_one_by_one() -> None:
    time = Time()
    limit = Limit(30, "requests", time)
    for _ in range(30):
        limit.take("his")
    assert refused(limit) == 2
    limit.take("lis")
    time.now += 2
    limit.take("his")
    assert refused(limit) == 2
    time.now += 3600
    for _ in range(30):
        limit.take("his")
    refused(limit)


def test_asking_whether_there_is_one_takes_none() -> None:
    limit = Limit(1, "failed logins", Time())
    for _ in range(5):
        limit.demand("his")
    limit.take("his")
    with pytest.raises(GatewayError, match="GW-8024"):
        limit.demand("his")


def test_without_a_limit_nobody_is_stopped() -> None:
    limit = Limit(0, "requests", Time())
    for _ in range(100):
        limit.take("his")


def test_names_that_are_made_up_take_no_more_memory_than_so_much() -> None:
    time = Time()
    limit = Limit(1, "failed logins", time)
    for number in range(25_000):
        time.now += 0.001
        limit.take(str(number))
    assert len(limit._buckets) <= 10_000
    refused(limit, "24999")
