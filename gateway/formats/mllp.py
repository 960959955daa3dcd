"""MLLP framing: 0x0B, the message, 0x1C 0x0D (HL7 v2 transport specification, appendix C).

Pure: bytes go in as they arrive, messages and faults come out. None of the three bytes occurs
within text in the character sets that MLLP may carry (UTF-16 is excluded by the standard).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.errors import GatewayError
from gateway.records import Place

START = b"\x0b"
END = b"\x1c"


def frame(message: bytes) -> bytes:
    """Frame a message for sending."""
    return START + message + END + b"\r"


@dataclass(frozen=True, slots=True)
class FramingFault:
    """What was wrong with the stream; the stream goes on after it.

    ``is_fatal``: what follows cannot be trusted to begin at a message, the connection should end.
    """

    error: GatewayError
    is_fatal: bool = False


class Deframer:
    """Cuts a stream into messages, however the packets fall.

    A sender that leaves out the CR after 0x1C is understood; bytes between frames are a fault, as
    is a frame that begins before the last one ended (what came of it is dropped), and one larger
    than ``max_bytes``, or that many bytes in which none begins.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._message: bytearray | None = None
        self._stray = 0

    def feed(self, data: bytes) -> Iterator[bytes | FramingFault]:
        """Take what arrived and yield the messages that are complete, and faults, in order."""
        at = 0
        while at < len(data):
            if self._message is None:
                at, found = self._between(data, at)
            else:
                at, found = self._within(data, at, self._message)
            yield from found

    def close(self) -> Iterator[FramingFault]:
        """End the stream; yield a fault when it ends within a frame or on stray bytes."""
        if self._message is not None:
            yield _fault("GW-2703", count=len(self._message), is_fatal=True)
            self._message = None
        yield from self._stray_fault()

    @property
    def is_within_frame(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._message is not None

    def _between(self, data: bytes, at: int) -> tuple[int, list[bytes | FramingFault]]:
        start = data.find(START, at)
        skipped = data[at:] if start < 0 else data[at:start]
        self._stray += len(skipped) - sum(skipped.count(byte) for byte in (b"\r", b"\n"))
        if start < 0:
            if self._stray > self._max_bytes:
                self._stray = 0
                return len(data), [_fault("GW-2702", limit=self._max_bytes, is_fatal=True)]
            return len(data), []
        self._message = bytearray()
        return start + 1, list(self._stray_fault())

    def _within(
        self, data: bytes, at: int, message: bytearray
    ) -> tuple[int, list[bytes | FramingFault]]:
        end = data.find(END, at)
        piece = data[at:] if end < 0 else data[at:end]
        if (again := piece.find(START)) >= 0:
            count = len(message) + again
            self._message = bytearray()
            return at + again + 1, [_fault("GW-2703", count=count)]
        if len(message) + len(piece) > self._max_bytes:
            self._message = None
            return len(data), [_fault("GW-2702", limit=self._max_bytes, is_fatal=True)]
        message += piece
        if end < 0:
            return len(data), []
        self._message = None
        return end + 1, [bytes(message)]

    def _stray_fault(self) -> Iterator[FramingFault]:
        if self._stray:
            yield _fault("GW-2701", count=self._stray)
            self._stray = 0


def _fault(number: str, *, is_fatal: bool = False, count: int = 0, limit: int = 0) -> FramingFault:
    error = GatewayError(number, where=Place("MLLP"), count=count, limit=limit)
    return FramingFault(error, is_fatal)
