"""The stages of a record's way: PARSE itself, and the name and time of the one it is in."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice

import msgspec

from gateway.errors import GatewayError
from gateway.outcomes import parked
from gateway.records import Envelope, Format, Parsed, Reader, RecordResult
from gateway.telemetry import log, log_bug, timed

LOG = log("stages")


class Stage:
    """The stage that a record is in: timed, and named where it stops."""

    def __init__(self) -> None:
        """Begin where a parsed record begins."""
        self.name = "map"

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Enter a stage; its name stays when it fails."""
        self.name = name
        with timed(name):
            yield


def parse(readers: Mapping[Format, Reader], envelope: Envelope) -> Iterable[Parsed | RecordResult]:
    """PARSE lazily; a bad record gives its refusal in its place and the next one goes on."""
    ordinal = 0
    records: Iterator[Parsed] = iter(())
    while True:
        try:
            if not ordinal:
                records = iter(readers[envelope.channel.format].read(envelope))
            parsed = next(records, None)
            if parsed is None:
                return
            parsed = msgspec.structs.replace(parsed, ordinal=ordinal)
            ordinal += 1
            yield parsed
        except GatewayError as error:
            ordinal += 1
            yield parked(envelope, ordinal - 1, "parse", error)
        except Exception as bug:  # noqa: BLE001 - our own bug: the rest is parked, the gateway lives.
            log_bug(LOG, bug, message=envelope.message_id, record=ordinal)
            yield parked(envelope, ordinal, "parse", GatewayError("GW-1900"))
            return


def only(
    envelope: Envelope, records: Iterable[Parsed | RecordResult]
) -> Iterator[tuple[Parsed | RecordResult, bool]]:
    """Say of each record whether it is the only one of its message.

    Rows are many: there no record waits until the next one is read.
    """
    if envelope.channel.format == "rows":
        yield from ((one, False) for one in records)
        return
    several = iter(records)
    begun = list(islice(several, 2))
    for one in chain(begun, several):
        yield one, len(begun) == 1
