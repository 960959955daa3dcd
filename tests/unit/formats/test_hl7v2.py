"""HL7 v2 messages are read whole, lazily, and every value knows its place."""

import pytest

from gateway.errors import GatewayError
from gateway.formats import READERS
from tests.unit.formats.reading import envelope, nodes, read, texts

ORU = (
    "MSH|^~\\&|LIS|H1|GW|R1|20260315103000||ORU^R01^ORU_R01|LIS0001|P|2.4|||||CHN|{charset}\r"
    "PID|1||P0001^^^H1&青山镇卫生院^PI~110101195803072025^^^^NI||测试^患者||19580307|F\r"
    "OBR|1||R1|GLU^血糖^L\r"
    "OBX|1|NM|GLU^血糖^L||7.20|mmol/L|3.9-6.1|H\r"
)


def test_a_message_tells_kind_and_control_id() -> None:
    (parsed,) = read(ORU.format(charset="UNICODE UTF-8").encode(), "hl7v2")
    assert (parsed.kind, parsed.control_id, parsed.charset) == ("ORU^R01", "LIS0001", "utf-8")


def test_msh_18_decides_the_character_set() -> None:
    (parsed,) = read(ORU.format(charset="GB 18030-2000").encode("gb18030"), "hl7v2")
    assert texts(parsed, "PID-5.2") == ["患者"]


def test_gbk_with_an_empty_msh_18_needs_the_channel() -> None:
    raw = ORU.format(charset="").encode("gbk")
    (parsed,) = read(raw, "hl7v2", "gbk")
    assert texts(parsed, "PID-5.2") == ["患者"]
    with pytest.raises(GatewayError) as caught:
        read(raw, "hl7v2")
    assert caught.value.number == "GW-2602"
    assert caught.value.where is not None
    assert caught.value.where.line == 2


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_told_by_the_bytes_of_msh(codec: str) -> None:
    for stated in ("", "UNICODE UTF-16"):
        (parsed,) = read(ORU.format(charset=stated).encode(codec), "hl7v2")
        assert texts(parsed, "PID-5.2") == ["患者"]


def test_msh_18_is_found_behind_a_character_that_ends_in_a_delimiter_byte() -> None:
    # The second byte of 亅 in GB 18030 is 0x7C, the field separator.
    assert "亅".encode("gb18030")[1:] == b"|"
    raw = ORU.replace("LIS|H1", "亅|H1").format(charset="GB 18030-2000").encode("gb18030")
    (parsed,) = read(raw, "hl7v2")
    assert texts(parsed, "MSH-3") == ["亅"]


@pytest.mark.parametrize("stated", ["~GB 18030-2000", "ASCII~GB 18030-2000", "GB 18030-2000~ASCII"])
def test_of_several_character_sets_the_wider_reads_what_is_not_ascii(stated: str) -> None:
    (parsed,) = read(ORU.format(charset=stated).encode("gb18030"), "hl7v2")
    assert (parsed.charset, texts(parsed, "PID-5.2")) == ("gb18030", ["患者"])


def test_the_mark_that_old_systems_end_a_file_with_is_no_segment() -> None:
    (parsed,) = read(ORU.format(charset="").encode() + b"\x1a\r\n", "hl7v2")
    assert parsed.control_id == "LIS0001"


@pytest.mark.parametrize("separator", ["\r", "\n", "\r\n"])
def test_segments_may_end_in_any_line_end_and_keep_their_number(separator: str) -> None:
    raw = ORU.format(charset="").replace("\r", separator).encode()
    (parsed,) = read(raw, "hl7v2")
    assert [node.place.line for node in nodes(parsed, "OBX")] == [4]


def test_a_line_feed_within_a_cr_separated_message_is_data() -> None:
    (parsed,) = read(b"MSH|^~\\&|A||||||ACK\rNTE|1||a\nb\rNTE|2||c\r", "hl7v2")
    assert texts(parsed, "NTE-3") == ["a\nb", "c"]


def test_framing_bytes_and_a_byte_order_mark_around_a_message_are_no_content() -> None:
    raw = b"\x0b" + ORU.format(charset="").encode() + b"\x1c\r"
    assert read(raw, "hl7v2")[0].control_id == "LIS0001"
    assert read(b"\xef\xbb\xbf" + ORU.format(charset="").encode(), "hl7v2")[0].kind == "ORU^R01"


def test_delimiters_are_those_of_the_message() -> None:
    (parsed,) = read(b"MSH*+;!?*A******ADT+A01*7\rPID*1**X+++Y?Z\r", "hl7v2")
    assert parsed.kind == "ADT^A01"
    assert texts(parsed, "PID-3.4.2") == ["Z"]
    assert texts(parsed, "MSH-1") == ["*"]
    assert texts(parsed, "MSH-2") == ["+;!?"]


def test_missing_delimiters_never_split() -> None:
    (parsed,) = read(b"MSH|^|A||||||ADT^A01|7\rPID|1||X~Y&Z\r", "hl7v2")
    assert texts(parsed, "PID-3") == ["X~Y&Z"]


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        (r"a\F\b", "a|b"),
        (r"a\S\b\T\c\R\d\E\e", "a^b&c~d\\e"),
        (r"a\.br\b", "a\nb"),
        (r"a\.sp2\b", "a\n\nb"),
        (r"\H\bold\N\ ", "bold"),
        (r"\X41\ ", "A"),
        (r"\XE6B58B\ ", "测"),
        (r"\XFF\ ", r"\XFF\ ".strip()),
        (r"\Zabc\ ", r"\Zabc\ ".strip()),
        (r"10\% off", r"10\% off"),
        (r"\M2442\;3ED\C2842\ san", "山田 san"),
        (r"\M2441\2b\C2842\-\M2441\A?\C2842\!", "测-量!"),
        (r"\M9999\ab\C2842\c", r"\M9999\abc"),
        (r"\C99\ab", r"\C99\ab"),
    ],
)
def test_escape_sequences_are_resolved_and_unknown_ones_stay(sent: str, read_as: str) -> None:
    (parsed,) = read(f"MSH|^~\\&|A||||||ACK|1\rNTE|1||{sent}\r".encode(), "hl7v2")
    assert texts(parsed, "NTE-3") == [read_as]


def test_raw_text_stays_as_it_was_sent() -> None:
    (parsed,) = read("MSH|^~\\&|A||||||ACK|1\rNTE|1||１\\F\\２\r".encode(), "hl7v2")
    (node,) = nodes(parsed, "NTE-3")
    assert (node.text, node.raw_text) == ("1|2", "１\\F\\２")


def test_the_delete_mark_reads_as_absent_and_shows_in_raw_text() -> None:
    (parsed,) = read(b'MSH|^~\\&|A||||||ACK|1\rPID|1||||""\r', "hl7v2")
    (node,) = nodes(parsed, "PID-5")
    assert (node.text, node.raw_text) == (None, '""')


def test_a_batch_gives_its_messages_as_records() -> None:
    message = ORU.format(charset="")
    other = message.replace("LIS0001", "LIS0002")
    raw = f"FHS|^~\\&|LIS\rBHS|^~\\&|LIS\r{message}{other}BTS|2\rFTS|1\r"
    records = read(raw.encode(), "hl7v2")
    assert [record.control_id for record in records] == ["LIS0001", "LIS0002"]
    assert [record.ordinal for record in records] == [0, 1]
    assert nodes(records[1], "PID")[0].place.line == 8
    assert records[1].issues == ()


def test_a_batch_that_lost_messages_is_reported() -> None:
    raw = f"BHS|^~\\&|LIS\r{ORU.format(charset='')}BTS|3\r"
    (record,) = read(raw.encode(), "hl7v2")
    assert [finding.number for finding in record.issues] == ["GW-2105"]


@pytest.mark.parametrize(
    ("batches", "declared", "found"), [(1, 2, ["FTS-1"]), (2, 2, []), (0, 1, []), (2, 1, ["FTS-1"])]
)
def test_a_file_that_lost_batches_is_reported(
    batches: int, declared: int, found: list[str]
) -> None:
    inner = ORU.format(charset="")
    body = f"BHS|^~\\&|LIS\r{inner}BTS|1\r" * batches or inner
    records = read(f"FHS|^~\\&|LIS\r{body}FTS|{declared}\r".encode(), "hl7v2")
    places = [one.place.path for record in records for one in record.issues if one.place]
    assert places == found


def test_one_bad_message_of_a_batch_does_not_hide_the_next() -> None:
    raw = "MSH|^~\\&|A||||||\r" + ORU.format(charset="")
    records = iter(READERS["hl7v2"].read(envelope(raw.encode(), "hl7v2")))
    with pytest.raises(GatewayError) as caught:
        next(records)
    assert caught.value.number == "GW-2104"
    assert next(records).kind == "ORU^R01"


@pytest.mark.parametrize(
    ("raw", "number", "line"),
    [
        (b"", "GW-2002", 1),
        (b"\r\n \r", "GW-2002", 1),
        (b"hello", "GW-2101", 1),
        (b"PID|1\rMSH|^~\\&|A\r", "GW-2101", 1),
        (b"MSH", "GW-2102", 1),
        (b"MSH||\r", "GW-2102", 1),
        (b"MSH|^^~\\|A", "GW-2102", 1),
        (b"MSHAB", "GW-2102", 1),
        (b"MSH|^~\\&|A||||||ACK|1\n\nand so on\n", "GW-2103", 3),
        (b"BHS|^~\\&|A\rBTS|0\r", "GW-2106", 1),
    ],
)
def test_what_is_no_message_is_refused_with_its_line(raw: bytes, number: str, line: int) -> None:
    with pytest.raises(GatewayError) as caught:
        read(raw, "hl7v2")
    assert caught.value.number == number
    assert caught.value.where is not None
    assert caught.value.where.line == line


def test_the_trigger_may_stand_in_evn_alone() -> None:
    (parsed,) = read(b"MSH|^~\\&|A||||||ADT|1\rEVN|A08\r", "hl7v2")
    assert parsed.kind == "ADT^A08"


def test_leaves_are_all_values_once_with_the_places_paths_give() -> None:
    (parsed,) = read(ORU.format(charset="").encode(), "hl7v2")
    leaves = {str(leaf.place): leaf.text for leaf in parsed.leaves()}
    assert leaves["PID-3[1].4.2 (line 2)"] == "青山镇卫生院"
    assert leaves["PID-3[2].5 (line 2)"] == "NI"
    assert leaves["PID-8 (line 2)"] == "F"
    assert "MSH-2 (line 1)" not in leaves
    for path in ("PID-3[1].4.2", "PID-8", "PID-8.1", "PID-8.1.1", "OBX-5", "OBX-3", "PID-5"):
        for node in nodes(parsed, path):
            assert leaves[str(node.place)] == node.text


def test_a_text_may_switch_to_another_part_of_iso_8859_within() -> None:
    raw = b"MSH|^~\\&|A||||||ACK|1||||||||8859/1\rNTE|1||Zo\xeb \\C2D4C\\" + "Иван".encode(
        "iso8859-5"
    )
    (parsed,) = read(raw + b"\\C2842\\ end\r", "hl7v2")
    assert texts(parsed, "NTE-3") == ["Zoë Иван end"]
