"""MLLP frames come out whole however the packets fall."""

import pytest

from gateway.formats.mllp import Deframer, FramingFault, frame


def feed(deframer: Deframer, *packets: bytes) -> list[bytes | str]:
    """Give messages as bytes and faults as numbers."""
    found: list[bytes | str] = []
    for packet in packets:
        found += [
            one.error.number if isinstance(one, FramingFault) else one
            for one in deframer.feed(packet)
        ]
    return found


def test_a_message_is_framed_as_the_standard_says() -> None:
    assert frame(b"MSH|") == b"\x0bMSH|\x1c\x0d"


def test_one_byte_at_a_time_gives_the_message() -> None:
    stream = frame(b"MSH|1\r") + frame(b"MSH|2\r")
    packets = [stream[at : at + 1] for at in range(len(stream))]
    assert feed(Deframer(100), *packets) == [b"MSH|1\r", b"MSH|2\r"]


def test_several_messages_in_one_packet_come_out_in_order() -> None:
    assert feed(Deframer(100), frame(b"1") + frame(b"2") + b"\x0b3", b"\x1c\r") == [
        b"1",
        b"2",
        b"3",
    ]


def test_a_missing_cr_after_the_end_is_understood() -> None:
    assert feed(Deframer(100), b"\x0b1\x1c\x0b2\x1c") == [b"1", b"2"]


def test_line_ends_between_frames_are_no_fault() -> None:
    assert feed(Deframer(100), frame(b"1") + b"\r\n\n" + frame(b"2")) == [b"1", b"2"]


def test_bytes_between_frames_are_a_fault_and_the_next_message_is_read() -> None:
    assert feed(Deframer(100), b"GET / HTTP/1.1\r\n" + frame(b"1")) == ["GW-2701", b"1"]


def test_a_frame_that_begins_in_another_drops_the_unfinished_one() -> None:
    assert feed(Deframer(100), b"\x0bhalf", b"\x0bwhole\x1c\r") == ["GW-2703", b"whole"]


@pytest.mark.parametrize("packets", [(b"\x0b" + b"x" * 11,), (b"\x0b" + b"x" * 6, b"x" * 6)])
def test_an_oversized_frame_is_fatal_before_it_ends(packets: tuple[bytes, ...]) -> None:
    deframer = Deframer(10)
    faults = [one for packet in packets for one in deframer.feed(packet)]
    assert [isinstance(one, FramingFault) and one.is_fatal for one in faults] == [True]


def test_a_stream_without_any_frame_is_given_up() -> None:
    deframer = Deframer(10)
    assert feed(deframer, b"x" * 10) == []
    faults = list(deframer.feed(b"x"))
    assert [isinstance(one, FramingFault) and one.is_fatal for one in faults] == [True]
    assert feed(deframer, b"\r\n" * 20 + frame(b"1")) == [b"1"]


def test_a_frame_of_exactly_the_limit_passes() -> None:
    assert feed(Deframer(10), frame(b"x" * 10)) == [b"x" * 10]


def test_a_stream_that_ends_within_a_frame_is_a_fault() -> None:
    deframer = Deframer(100)
    assert feed(deframer, b"\x0bhalf") == []
    assert deframer.is_within_frame
    assert [fault.error.number for fault in deframer.close()] == ["GW-2703"]
    assert list(deframer.close()) == []


def test_stray_bytes_at_the_end_are_a_fault() -> None:
    deframer = Deframer(100)
    assert feed(deframer, frame(b"1") + b"bye") == [b"1"]
    assert [fault.error.number for fault in deframer.close()] == ["GW-2701"]
