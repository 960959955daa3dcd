"""Workbooks are read as their author sees them, and what Excel lost is said."""

import io
import zipfile
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from gateway.errors import GatewayError
from gateway.formats import READERS
from tests.unit.formats.reading import envelope, nodes, places, read, texts

CARD = "420300196205143622"


def book(
    *rows: list[Any], formats: dict[str, str] | None = None, **sheets: list[list[Any]]
) -> bytes:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    for spot, layout in (formats or {}).items():
        made.active[spot].number_format = layout
    for name, lines in sheets.items():
        sheet = made.create_sheet(name)
        for line in lines:
            sheet.append(line)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def test_days_times_and_amounts_read_as_they_are_shown() -> None:
    raw = book(
        ["单号", "生日", "就诊", "金额", "次数", "空"],
        ["R1", date(1962, 5, 14), datetime.fromisoformat("2026-11-02T09:30"), 72.5, 3, None],
        formats={"B2": "yyyy-mm-dd", "D2": "0.00"},
    )
    (record,) = read(raw, "rows", control_id="单号")

    assert texts(record, "生日") == ["1962-05-14"]
    assert texts(record, "就诊") == ["2026-11-02 09:30:00"]
    assert texts(record, "金额") == ["72.50"]
    assert texts(record, "次数") == ["3"]
    assert texts(record, "空") == []
    assert places(record, "生日") == ["生日 (line 2)"]
    assert record.control_id == "R1"


def test_days_kept_as_plain_numbers_are_read_where_the_channel_says_so() -> None:
    raw = book(["NO", "D"], ["R1", 45963])

    assert texts(read(raw, "rows", dates="D")[0], "D") == ["2025-11-02"]
    assert texts(read(raw, "rows")[0], "D") == ["45963"]


def test_a_merged_header_below_a_title_gives_joined_names() -> None:
    raw = book(
        ["转诊登记表"],
        ["单号", "患者", None, "备注"],
        [None, "姓名", "性别", None],
        ["R1", "林桂芳", "女", None],
    )
    (record,) = read(raw, "rows", skip=1, header_rows=2)

    assert texts(record, "患者/姓名") == ["林桂芳"]
    assert texts(record, "患者/性别") == ["女"]
    assert texts(record, "单号") == ["R1"]


def test_a_header_of_two_lines_is_read_in_a_csv_too() -> None:
    (record,) = read("患者,,单号\n姓名,性别,\n林桂芳,女,R1\n".encode(), "rows", header_rows=2)

    assert texts(record, "患者/性别") == ["女"]


def test_child_tables_are_rows_of_their_record() -> None:
    raw = book(
        ["单号", "姓名"],
        ["R1", "林桂芳"],
        ["R2", "陆露"],
        明细=[["单号", "项目"], ["R1", "血糖"], ["R1", "血脂"], ["R2", "心电"]],
    )
    options = {"明细": {"sheet": "明细", "key": "单号"}}
    first, second = read(raw, "rows", children=options)

    assert texts(first, "rows(明细)/项目") == ["血糖", "血脂"]
    (row,) = nodes(second, "rows(明细)")
    assert texts(second, "项目", row) == ["心电"]
    assert places(second, "rows(明细)/项目") == ["明细/项目 (line 4)"]
    assert [leaf.text for leaf in second.leaves()] == ["R2", "陆露", "R2", "心电"]


def test_a_number_that_excel_rounded_is_refused_and_the_next_row_is_read() -> None:
    raw = book(["NO", "CARD"], ["R1", int(CARD)], ["R2", CARD])
    records = iter(READERS["rows"].read(envelope(raw, "rows")))

    with pytest.raises(GatewayError) as caught:
        next(records)
    assert (caught.value.number, str(caught.value.where)) == ("GW-2507", "line 2")
    assert texts(next(records), "CARD") == [CARD]


def test_a_sheet_that_is_not_there_is_named() -> None:
    with pytest.raises(GatewayError, match="明细"):
        read(book(["NO"], ["1"]), "rows", sheet="明细")


@pytest.mark.parametrize("cut", [0, 40, 400, 2000])
def test_a_damaged_workbook_is_refused(cut: int) -> None:
    raw = book(["NO"], ["1"])
    damaged = raw[:cut] + b"xl/" + raw[cut + 3 :] if cut else b"PK\x03\x04 xl/"
    try:
        read(damaged, "rows")
    except GatewayError as err:
        assert err.number in {"GW-2508", "GW-2504", "GW-2505"}  # noqa: PT017 - damage may go unseen


@pytest.mark.parametrize("body", [b",\n", b'""\n', b"  ,\n,\n"])
def test_lines_that_hold_nothing_are_refused_at_their_place(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        read(b"NO,NAME\n" + body, "rows")
    assert (caught.value.number, str(caught.value.where)) == ("GW-2506", "line 2")


def test_control_characters_are_not_a_blank_line() -> None:
    with pytest.raises(GatewayError) as caught:
        read(b"NO,NAME\n\x0c\n", "rows")
    assert caught.value.number == "GW-2501"


def test_a_header_alone_and_blank_lines_are_no_records() -> None:
    assert read(b"NO,NAME\n\n\n", "rows") == []


def merged(*ranges: str) -> bytes:
    made = openpyxl.Workbook()
    for row in (["NO", "姓名", "项目"], ["1", "张三", "A"], ["1", None, "B"], ["2", "李四", "C"]):
        made.active.append(row)
    for one in ranges:
        made.active.merge_cells(one)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def test_a_cell_merged_over_several_rows_stands_in_each_of_them() -> None:
    names = [texts(record, "姓名") for record in read(merged("B2:B3"), "rows")]
    assert names == [["张三"], ["张三"], ["李四"]]
    assert [texts(record, "姓名") for record in read(merged(), "rows")][1] == []


def test_a_formula_without_a_result_and_an_error_are_refused_not_left_out() -> None:
    raw = book(["NO", "X"], ["1", "=1+1"], ["2", "#N/A"], ["3", "here"])
    records = iter(READERS["rows"].read(envelope(raw, "rows")))
    for line in (2, 3):
        with pytest.raises(GatewayError) as caught:
            next(records)
        assert (caught.value.number, str(caught.value.where)) == ("GW-2509", f"line {line}")
    assert texts(next(records), "X") == ["here"]


def packed(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_a_workbook_that_unpacks_to_a_hundred_times_its_size_is_refused_unread() -> None:
    with zipfile.ZipFile(io.BytesIO(book(["NO"], ["1"]))) as archive:
        parts = {one: archive.read(one) for one in archive.namelist()}
    raw = packed(parts | {"xl/media/image1.bmp": b"0" * 25_000_000})
    assert len(raw) < 100_000
    with pytest.raises(GatewayError) as caught:
        read(raw, "rows")
    assert caught.value.number == "GW-2001"
    assert len(read(packed(parts | {"xl/media/image1.bmp": b"0" * 10_000_000}), "rows")) == 1


def test_a_workbook_without_a_sheet_of_rows_is_refused() -> None:
    with zipfile.ZipFile(io.BytesIO(book(["NO"], ["1"]))) as archive:
        parts = {one: archive.read(one) for one in archive.namelist()}
    whole = parts["xl/workbook.xml"]
    start, end = whole.index(b"<sheets>"), whole.index(b"</sheets>")
    without = whole[:start] + b"<sheets>" + whole[end:]
    chart = openpyxl.Workbook()
    chart.create_chartsheet("图", 0)
    stream = io.BytesIO()
    chart.save(stream)
    for raw in (packed(parts | {"xl/workbook.xml": without}), stream.getvalue()):
        with pytest.raises(GatewayError) as caught:
            read(raw, "rows")
        assert caught.value.number == "GW-2508"


def test_a_formula_that_came_to_an_empty_text_is_an_empty_cell() -> None:
    raw = book(["NO", "X"], ["1", '=""'])
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = {one: archive.read(one) for one in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b'<c r="B2"', b'<c r="B2" t="str"')
    (record,) = read(packed(parts), "rows")
    assert (texts(record, "NO"), texts(record, "X")) == (["1"], [])


def test_rows_of_a_child_table_without_record_and_unreadable_ones_are_refused() -> None:
    children = {"明细": {"sheet": "明细", "key": "NO"}}
    lost = book(["NO"], ["1"], 明细=[["NO", "项目"], ["1", "A"], ["9", "B"]])
    records = iter(READERS["rows"].read(envelope(lost, "rows", options={"children": children})))
    assert texts(next(records), "rows(明细)/项目") == ["A"]
    with pytest.raises(GatewayError) as caught:
        next(records)
    assert (caught.value.number, str(caught.value.where)) == ("GW-2510", "明细 (line 3)")
    rounded = book(["NO"], ["1"], 明细=[["NO", "卡"], ["1", int(CARD)]])
    with pytest.raises(GatewayError) as caught:
        read(rounded, "rows", children=children)
    assert (caught.value.number, str(caught.value.where)) == ("GW-2507", "明细 (line 2)")
