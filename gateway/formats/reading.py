"""What all readers share: limits, channel options and the iterator of records."""

from collections.abc import Callable, Iterable, Iterator
from typing import Self

from gateway.errors import GatewayError
from gateway.records import Channel, Json, Parsed, Place

MAX_BYTES = 50 * 1024 * 1024
"""The largest message in bytes, unless a format has a limit of its own."""
MAX_VALUES = 200_000
"""The most values in one record: each costs microseconds, so this bounds a record to a second."""


class Records(Iterator[Parsed]):
    """The records of a message, read one by one.

    A record that cannot be read raises at its turn and does not end the iteration: the caller may
    ask for the next one. A plain ``for`` ends there.
    """

    def __init__(self, readings: Iterable[Callable[[], Parsed]]) -> None:
        self._readings = iter(readings)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Parsed:
        return next(self._readings)()


def demand_size(raw: bytes, limit: int = MAX_BYTES) -> None:
    """Raise GW-2001 when a message is too large to read, GW-2002 when it has no content."""
    if len(raw) > limit:
        raise GatewayError("GW-2001", where=Place("", 1), size=len(raw), limit=limit)
    if not raw or raw.isspace():
        raise GatewayError("GW-2002", where=Place("", 1))


def demand_values(count: int, where: Place, limit: int = MAX_VALUES) -> None:
    """Raise GW-2004 when a record holds more values than can be read in reasonable time."""
    if count > limit:
        raise GatewayError("GW-2004", where=where, limit=limit)


def text_option(channel: Channel, name: str) -> str | None:
    """Give a channel option that must be text; raise GW-2003 when it is something else."""
    value: Json = channel.options.get(name)
    if value is None or (isinstance(value, str) and value):
        return value
    raise GatewayError("GW-2003", option=name, reason="text expected")
