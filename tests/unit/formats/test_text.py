"""Character sets are declared, never guessed; text is normalised without losing meaning."""

import pytest

from gateway.errors import GatewayError
from gateway.formats.text import codec_of, decide_charset, decode, demand_decodable, normalise
from gateway.records import Place

HERE = Place("MSH-18", 1)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("UNICODE UTF-8", "utf-8"),
        ("utf8", "utf-8"),
        ("GB 18030-2000", "gb18030"),
        ("GB2312", "gb18030"),
        ("gbk", "gb18030"),
        ("8859/1", "iso8859-1"),
        ("8859/15", "iso8859-15"),
        ("ISO-8859-1", "iso8859-1"),
        ("ASCII", "ascii"),
        ("BIG-5", "big5"),
        ("windows-1252", "cp1252"),
    ],
)
def test_names_of_hl7_xml_and_channels_lead_to_a_codec(name: str, codec: str) -> None:
    assert codec_of(name) == codec


@pytest.mark.parametrize(
    "name", ["base64", "rot13", "zip", "idna", "nonsense", "", "unicode_escape"]
)
def test_what_is_no_character_set_of_records_is_not_known(name: str) -> None:
    assert codec_of(name) is None


def test_the_channel_goes_before_the_message() -> None:
    assert decide_charset("测试".encode("gb18030"), "gb18030", "UNICODE UTF-8", HERE) == "gb18030"


def test_the_message_goes_before_the_default() -> None:
    assert decide_charset(b"x", None, "GB 18030-2000", HERE) == "gb18030"
    assert decide_charset(b"x", None, None, HERE) == "utf-8"


def test_a_byte_order_mark_against_the_channel_is_refused() -> None:
    with pytest.raises(GatewayError) as caught:
        decide_charset("\ufeff测试".encode(), "gb18030", None, HERE)
    assert caught.value.number == "GW-2603"


def test_an_unknown_declaration_names_its_place() -> None:
    with pytest.raises(GatewayError) as caught:
        decide_charset(b"x", None, "EBCDIC-CN", HERE)
    assert (caught.value.number, caught.value.where) == ("GW-2601", HERE)


def test_text_that_two_character_sets_accept_is_ambiguous() -> None:
    # 陆露 in GBK is C2 BD C2 B6, which is ½¶ in UTF-8.
    with pytest.raises(GatewayError) as caught:
        decide_charset("陆露".encode("gbk"), "detect", None, HERE)
    assert caught.value.number == "GW-2604"


def test_detection_decides_where_one_character_set_alone_fits() -> None:
    assert decide_charset("冠心病，测试".encode("gb18030"), "detect", None, HERE) == "gb18030"
    assert decide_charset("住院号,1".encode(), "detect", None, HERE) == "utf-8"
    assert decide_charset(b"plain", "detect", None, HERE) == "utf-8"


def test_detection_refuses_what_fits_nowhere() -> None:
    with pytest.raises(GatewayError) as caught:
        decide_charset(b"\xff\xff\xff", "detect", None, HERE)
    assert caught.value.number == "GW-2605"


def test_without_detect_gbk_is_never_tried() -> None:
    with pytest.raises(GatewayError) as caught:
        decode("PID|1\rPV1|测试".encode("gbk"), "utf-8")
    assert caught.value.number == "GW-2602"
    assert caught.value.where == Place("", 2, 5)
    assert caught.value.details["offset"] == 10


def test_large_input_is_checked_in_pieces_with_the_same_place() -> None:
    raw = b"a,b\n" * 600_000 + b"1,\xff\n"
    with pytest.raises(GatewayError) as caught:
        demand_decodable(raw, "utf-8")
    assert caught.value.where == Place("", 600_001, 3)


def test_a_character_cut_by_a_piece_is_whole() -> None:
    demand_decodable(b"a" + "测".encode() * 400_000, "utf-8")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("  １２３　", "123"),
        ("ＡＢ－１", "AB-1"),
        ("37.5℃", "37.5°C"),
        ("10⁹/L", "10⁹/L"),
        ("１０⁹／Ｌ", "10⁹/L"),
        ("½ 片", "½ 片"),
        ("①血压", "①血压"),
        ("H₂O", "H₂O"),
        ("患者", "患者"),
        (" \u3000", None),
        ("", None),
    ],
)
def test_width_is_normalised_and_meaning_is_kept(raw: str, text: str | None) -> None:
    assert normalise(raw) == text


@pytest.mark.parametrize("stated", ["gb18030", "GBK", "8859/1", "BIG-5"])
def test_utf_8_that_is_declared_as_something_else_is_refused(stated: str) -> None:
    raw = "<?xml version='1.0'?><患者>测试汉字</患者>".encode()
    for channel, declared in ((None, stated), (stated, None)):
        with pytest.raises(GatewayError) as caught:
            decide_charset(raw, channel, declared, Place("MSH-18", 1))
        assert caught.value.number == "GW-2608"
        assert caught.value.where == Place("MSH-18", 1)


@pytest.mark.parametrize(
    ("text", "codec"),
    [("陆露", "gbk"), ("青山镇卫生院，患者张三", "gb18030"), ("Zoë Ã©", "8859/1")],
)
def test_a_declared_text_that_may_be_so_is_read_as_declared(text: str, codec: str) -> None:
    found = decide_charset(text.encode(codec_of(codec) or codec), None, codec, Place("", 1))
    assert decode(text.encode(found), found) == text


@pytest.mark.parametrize("stated", ["utf-16", "UTF-16LE", "UNICODE UTF-32"])
def test_single_bytes_are_not_two_whatever_is_declared(stated: str) -> None:
    with pytest.raises(GatewayError) as caught:
        decide_charset(b'<?xml version="1.0" encoding="utf-16"?><a/>', None, stated, Place("", 1))
    assert caught.value.number == "GW-2608"
