"""JSON is read without recursion, with exact numbers and the place of everything."""

import json

import pytest

from gateway.errors import GatewayError
from gateway.formats import DIALECTS
from gateway.records import PathError
from tests.unit.formats.reading import nodes, places, read, texts

SETTLEMENT = """{
 "infcode": 0,
 "inf_refmsgid": "429901202603151030010001",
 "output": {
  "setlinfo": {"setl_id": "S1", "med_type": "21", "medfee_sumamt": 18652.30, "memo": null},
  "setldetail": [
   {"fund_pay_type": "310100", "fund_payamt": 12495.00},
   {"fund_pay_type": 330100, "fund_payamt": "600.0"}
  ]
 }
}"""


def test_numbers_keep_their_digits() -> None:
    (parsed,) = read(SETTLEMENT.encode(), "json")
    assert texts(parsed, "$.output.setlinfo.medfee_sumamt") == ["18652.30"]
    assert texts(parsed, "$.output.setldetail[*].fund_payamt") == ["12495.00", "600.0"]


def test_every_value_knows_path_line_and_column() -> None:
    (parsed,) = read(SETTLEMENT.encode(), "json")
    assert places(parsed, "$.output.setldetail[1].fund_payamt") == [
        "$.output.setldetail[1].fund_payamt (line 8, column 45)"
    ]


def test_paths_are_absolute_or_relative_and_filter_by_equality() -> None:
    (parsed,) = read(SETTLEMENT.encode(), "json")
    (first, second) = nodes(parsed, "$.output.setldetail[*]")
    assert texts(parsed, "@.fund_payamt", first) == ["12495.00"]
    assert texts(parsed, "fund_payamt", second) == ["600.0"]
    assert texts(parsed, "$.infcode", second) == ["0"]
    assert texts(parsed, "$.output.setldetail[?@.fund_pay_type == '330100'].fund_payamt") == [
        "600.0"
    ]
    assert texts(parsed, "$['output']['setldetail'][-1].fund_pay_type") == ["330100"]
    assert texts(parsed, "$.output.setldetail[9].fund_pay_type") == []
    assert texts(parsed, "$.output.setlinfo.memo") == []
    assert texts(parsed, "output.setlinfo.*")[:2] == ["S1", "21"]


def test_leaves_are_all_scalars_that_are_not_null_or_blank() -> None:
    (parsed,) = read(
        b'{"a": [1, null, "", " ", {"b": true}], "\xe5\x90\x8d \xe5\xad\x97": "x"}', "json"
    )
    assert [(leaf.place.path, leaf.text) for leaf in parsed.leaves()] == [
        ("$.a[0]", "1"),
        ("$.a[4].b", "true"),
        ("$['名 字']", "x"),
    ]


@pytest.mark.parametrize(
    ("body", "kind", "control"),
    [
        ({"infno": "2401", "msgid": "M1", "input": {}}, "2401", "M1"),
        ({"infno": "2304", "request": {"msgid": "M2"}, "response": {"infcode": 0}}, "2304", "M2"),
        ({"request": {"infno": "2301", "msgid": "M3"}}, "2301", "M3"),
        ({"infcode": 0, "output": {"setlinfo": {"med_type": "11"}}}, "2207-response", None),
        ({"infcode": 0, "output": {"setlinfo": {"med_type": "21"}}}, "2304-response", None),
        ({"infcode": 0, "output": {"setlinfo": {"med_type": "52"}}}, "2304-response", None),
        ({"infcode": 0, "output": {"baseinfo": {}}}, "1101-response", None),
        ({"infcode": -1, "inf_refmsgid": "M4", "output": None}, "response", "M4"),
        ({"infcode": 0, "output": {"result": {"trt_dcla_detl_sn": "1"}}}, "2501-response", None),
        ({"resourceType": "Patient"}, "Patient", None),
        ({"WS02_01_039_001": "x"}, "json", None),
    ],
)
def test_the_kind_is_the_trade_where_the_body_tells_it(
    body: object, kind: str, control: str | None
) -> None:
    (parsed,) = read(json.dumps(body).encode(), "json")
    assert (parsed.kind, parsed.control_id) == (kind, control)


def test_the_channel_may_say_the_kind() -> None:
    assert read(b'{"infcode": 0}', "json", kind="2401-response")[0].kind == "2401-response"


def test_a_list_gives_a_record_per_item() -> None:
    records = read(b'[{"a": 1}, {"a": 2}]', "json")
    assert [texts(record, "$.a") for record in records] == [["1"], ["2"]]
    assert [record.ordinal for record in records] == [0, 1]


def test_the_channel_may_say_where_the_records_stand() -> None:
    records = read(b'{"data": [{"a": 1}, {"a": 2}]}', "json", records="$.data[*]")
    assert [texts(record, "a") for record in records] == [["1"], ["2"]]
    assert places(records[1], "a") == ["$.data[1].a (line 1, column 27)"]


@pytest.mark.parametrize(
    ("raw", "path", "number"),
    [
        (b'{"data": []}', "$.data[*]", "GW-2404"),
        (b"[]", None, "GW-2404"),
        (b"{}", "$..x", "GW-2003"),
    ],
)
def test_a_message_without_record_is_refused(raw: bytes, path: str | None, number: str) -> None:
    with pytest.raises(GatewayError) as caught:
        read(raw, "json", records=path)
    assert caught.value.number == number


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        (b"{", 1, 2),
        (b'{"a": 1,\n}', 2, 1),
        (b"[1,]", 1, 4),
        (b"[1 2]", 1, 4),
        (b'{"a" 1}', 1, 6),
        (b"{a: 1}", 1, 2),
        (b"[01]", 1, 2),
        (b"[1.]", 1, 2),
        (b"[+1]", 1, 2),
        (b"[NaN]", 1, 2),
        (b"[truely]", 1, 2),
        (b'["a\nb"]', 1, 4),
        (b'["abc]', 1, 2),
        (b'["\\x"]', 1, 3),
        (b'["\\ud800"]', 1, 2),
        (b"{} {}", 1, 4),
        (b"hello", 1, 1),
        (b'"a" "b"', 1, 5),
        (b"]", 1, 1),
    ],
)
def test_what_rfc_8259_forbids_is_refused_with_line_and_column(
    raw: bytes, line: int, column: int
) -> None:
    with pytest.raises(GatewayError) as caught:
        read(raw, "json")
    assert caught.value.number == "GW-2401"
    assert caught.value.where is not None
    assert (caught.value.where.line, caught.value.where.column) == (line, column)


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(GatewayError) as caught:
        read(b'{"a": {"b": 1,\n "b": 2}}', "json")
    assert caught.value.number == "GW-2403"
    assert str(caught.value.where) == "$.a (line 2, column 2)"


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 201 + b"]" * 201])
def test_depth_is_limited(raw: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        read(raw, "json")
    assert caught.value.number == "GW-2402"
    assert caught.value.where is not None


def test_two_hundred_levels_are_read() -> None:
    (parsed,) = read(b"[[" * 1 + b"[" * 198 + b"1" + b"]" * 200, "json")
    assert [leaf.text for leaf in parsed.leaves()] == ["1"]


def test_fifty_megabytes_are_refused_unread() -> None:
    with pytest.raises(GatewayError) as caught:
        read(b"[" + b"1," * (25 * 1024 * 1024), "json")
    assert caught.value.number == "GW-2001"


@pytest.mark.parametrize(
    ("path", "column"),
    [("$..a", 2), ("", 1), ("$.a[1:2]", 4), ("$.a.", 4), ("/a", 1), ("$.a b", 4)],
)
def test_a_path_that_does_not_parse_names_its_column(path: str, column: int) -> None:
    with pytest.raises(PathError) as caught:
        DIALECTS["json"].compile(path, {})
    assert caught.value.column == column
