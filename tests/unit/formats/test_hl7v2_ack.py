"""Acknowledgements answer in the sender's own delimiters, version, mode and character set."""

from datetime import datetime, timedelta, timezone

import pytest

from gateway.errors import issue
from gateway.formats.hl7v2_ack import acknowledge, answer_code, read_header
from gateway.records import Place
from tests.unit.formats.reading import read, texts

NOW = datetime(2026, 3, 15, 10, 30, 5, tzinfo=timezone(timedelta(hours=8)))


def message(
    version: str = "2.4", accept: str = "", application: str = "", charset: str = ""
) -> str:
    return (
        f"MSH|^~\\&|LIS|H1|GW|R1|20260315103000||ORU^R01^ORU_R01|LIS0001|P|{version}"
        f"|||{accept}|{application}|CHN|{charset}\rPID|1||P1\rOBX|1|NM\rOBX|2|NM\r"
    )


def answer(sent: str, code: str = "AA", **details: object) -> str:
    made = acknowledge(sent.encode(), code, now=NOW, **details)  # type: ignore[arg-type]
    assert made is not None
    return made.decode()


def test_an_acknowledgement_swaps_the_parties_and_echoes_the_control_id() -> None:
    assert answer(message()).split("\r") == [
        "MSH|^~\\&|GW|R1|LIS|H1|20260315103005+0800||ACK^R01^ACK|ALIS0001|P|2.4|||||CHN",
        "MSA|AA|LIS0001",
        "",
    ]


def test_it_is_a_message_that_reads_back() -> None:
    (parsed,) = read(answer(message(), control_id="G1").encode(), "hl7v2")
    assert (parsed.kind, parsed.control_id) == ("ACK^R01", "G1")
    assert texts(parsed, "MSA-2") == ["LIS0001"]


def test_old_versions_know_no_structure_in_msh_9() -> None:
    assert "||ACK|ALIS0001|P|2.2" in answer(message("2.2"))


def test_a_refusal_before_2_5_says_it_in_msa_3_and_err_1() -> None:
    finding = issue("GW-2104", place=Place("MSH-9", 1))
    lines = answer(message("2.4"), "AR", text="MSH-9 | empty", errors=(finding,)).split("\r")
    assert lines[1:3] == [
        "MSA|AR|LIS0001|MSH-9 \\F\\ empty",
        "ERR|MSH^1^9^100&Segment sequence error&HL70357",
    ]


def test_a_refusal_since_2_5_says_it_in_err() -> None:
    finding = issue("GW-2602", place=Place("OBX-5[2].1", 4), offset=7, charset="utf-8")
    line = answer(message("2.5.1"), "AE", errors=(finding,)).split("\r")[2]
    (parsed,) = read(f"MSH|^~\\&|A||||||ACK|1\r{line}\r".encode(), "hl7v2")
    assert [texts(parsed, f"ERR-2.{part}") for part in range(1, 6)] == [
        ["OBX"],
        ["2"],
        ["5"],
        ["2"],
        ["1"],
    ]
    assert texts(parsed, "ERR-3.1") == ["207"]
    assert texts(parsed, "ERR-4") == ["E"]
    assert texts(parsed, "ERR-5.1") == ["GW-2602"]
    assert "字符集" in (texts(parsed, "ERR-8")[0] or "")


@pytest.mark.parametrize(
    ("accept", "application", "code", "expected"),
    [
        ("", "", "AA", "AA"),
        ("", "", "AE", "AE"),
        ("AL", "NE", "AA", "CA"),
        ("AL", "NE", "AE", "CE"),
        ("AL", "NE", "AR", "CR"),
        ("ER", "NE", "AA", None),
        ("ER", "NE", "AR", "CR"),
        ("SU", "NE", "AA", "CA"),
        ("SU", "NE", "AE", None),
        ("NE", "AL", "AA", "AA"),
        ("NE", "NE", "AE", None),
        ("AL", "AL", "AA", "CA"),
    ],
)
def test_the_mode_is_what_msh_15_and_16_ask(
    accept: str, application: str, code: str, expected: str | None
) -> None:
    sent = message(accept=accept, application=application).encode()
    assert answer_code(read_header(sent), code) == expected
    made = acknowledge(sent, code, now=NOW)
    assert (made is None) == (expected is None)


def test_the_answer_is_in_the_senders_character_set() -> None:
    sent = message(charset="GB 18030-2000").replace("LIS|", "检验|").encode("gb18030")
    made = acknowledge(sent, "AE", now=NOW, text="缺少字段")
    assert made is not None
    assert "缺少字段" in made.decode("gb18030")
    assert "|检验|" in made.decode("gb18030")
    by_channel = acknowledge(message().encode(), "AE", now=NOW, text="缺少字段", charset="gbk")
    assert by_channel is not None
    assert "缺少字段" in by_channel.decode("gb18030")


def test_other_delimiters_are_used_and_escaped() -> None:
    made = acknowledge(b"MSH*+;!?*A*B******7*P*2.4", "AE", now=NOW, text="a*b+c")
    assert made is not None
    assert made.decode().split("\r")[1] == "MSA*AE*7*a!F!b!S!c"


@pytest.mark.parametrize(
    "sent", [b"", b"hello", b"MSH", b"MSH|", b"MSH||||", b"\xff\xfe", b"MSH|^^|"]
)
def test_even_what_is_no_message_gets_its_refusal(sent: bytes) -> None:
    made = acknowledge(sent, "AR", now=NOW, text="no message")
    assert made is not None
    (parsed,) = read(made, "hl7v2")
    assert texts(parsed, "MSA-1") == ["AR"]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_who_sends_utf_16_reads_the_answer_in_utf_16(codec: str) -> None:
    made = acknowledge(message().encode(codec), "AE", now=NOW, text="缺少字段")
    assert made is not None
    (parsed,) = read(made, "hl7v2")
    assert texts(parsed, "MSA-1") == ["AE"]
    assert texts(parsed, "MSA-2") == ["LIS0001"]
    assert texts(parsed, "MSA-3") == ["缺少字段"]


def test_a_channel_that_declares_utf_16_wrongly_still_answers_readably() -> None:
    made = acknowledge(message().encode(), "AE", now=NOW, text="GW-2606", charset="utf-16")
    assert made is not None
    assert made.startswith(b"MSH|^~\\&|GW|R1|LIS|H1|")
