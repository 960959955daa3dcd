"""Rows of hospital exports are read one by one, and a bad row does not hide the next."""

import pytest

from gateway.errors import GatewayError
from gateway.formats import DIALECTS, READERS
from gateway.records import Parsed, PathError
from tests.unit.formats.reading import envelope, nodes, places, read, texts

REFERRALS = "ZHUANZHENDH,BINGRENXM,ZHENDUAN\nZZ1,张三,I25.1\n\nZZ2, 李四 ,\n"


def test_each_row_is_a_record_with_its_line() -> None:
    first, second = read(REFERRALS.encode(), "rows", table="referral", control_id="ZHUANZHENDH")
    assert (first.kind, first.control_id, second.control_id) == ("referral", "ZZ1", "ZZ2")
    assert texts(second, "BINGRENXM") == ["李四"]
    assert places(second, "BINGRENXM") == ["BINGRENXM (line 4)"]
    assert texts(second, "ZHENDUAN") == []
    assert [leaf.text for leaf in second.leaves()] == ["ZZ2", "李四"]


@pytest.mark.parametrize(
    ("raw", "charset"),
    [
        (REFERRALS.encode("gb18030"), "gb18030"),
        (b"\xef\xbb\xbf" + REFERRALS.encode(), None),
        (REFERRALS.encode("gb18030"), "gbk"),
        (REFERRALS.encode("utf-16"), None),
    ],
)
def test_the_character_set_is_the_channels_or_the_marks(raw: bytes, charset: str | None) -> None:
    first, _ = read(raw, "rows", charset)
    assert texts(first, "BINGRENXM") == ["张三"]
    assert texts(first, "ZHUANZHENDH") == ["ZZ1"]


def test_quoted_cells_hold_delimiters_line_breaks_and_quotes() -> None:
    first, second = read(b'A,B\n"1,2","x ""y""\nz"\n3,4\n', "rows")
    assert texts(first, "B") == ['x "y"\nz']
    assert places(second, "A") == ["A (line 4)"]


def test_delimiter_and_quote_are_the_channels() -> None:
    (record,) = read(b'A\tB\n"x\t5"\n', "rows", delimiter="tab", quote="none")
    assert (texts(record, "A"), texts(record, "B")) == (['"x'], ['5"'])


def test_columns_may_have_other_names_in_files() -> None:
    synonyms = {"name": ["姓名", "BINGRENXM"]}
    (record,) = read("ＢＩＮＧＲＥＮＸＭ , 年龄\n张三,60\n".encode(), "rows", synonyms=synonyms)
    assert (texts(record, "name"), texts(record, "年龄")) == (["张三"], ["60"])


def test_a_file_without_header_gets_the_channels() -> None:
    (record,) = read(b"1,2\n", "rows", header=["A", "B"])
    assert texts(record, "B") == ["2"]


def read_on(raw: bytes) -> list[Parsed | str]:
    """Read past refusals, as a caller that asks for the next record may."""
    records = iter(READERS["rows"].read(envelope(raw, "rows")))
    found: list[Parsed | str] = []
    while True:
        try:
            found.append(next(records))
        except StopIteration:
            return found
        except GatewayError as error:
            line = error.where.line if error.where else None
            found.append(f"{error.number} line {line}")


def test_a_row_with_the_wrong_number_of_cells_is_refused_alone() -> None:
    found = read_on(b'A,B\n1,2\n1,2,3\n1\n3,4\n"x"y,1\n5,6\n')
    assert [one if isinstance(one, str) else texts(one, "A") for one in found] == [
        ["1"],
        "GW-2501 line 3",
        "GW-2501 line 4",
        ["3"],
        "GW-2502 line 6",
        ["5"],
    ]


def test_neighbouring_rows_with_one_key_are_one_record() -> None:
    raw = b"ID,CODE\n1,A\n1,B\n2,C\n"
    first, second = read(raw, "rows", key="ID")
    assert texts(first, "CODE") == ["A"]
    rows = nodes(first, "rows()")
    assert [texts(first, "CODE", row) for row in rows] == [["A"], ["B"]]
    assert texts(first, "rows()/CODE") == ["A", "B"]
    assert [leaf.text for leaf in first.leaves()] == ["1", "A", "1", "B"]
    assert texts(second, "rows()/CODE") == ["C"]


@pytest.mark.parametrize(
    ("raw", "options", "number"),
    [
        (b"\n \n", {}, "GW-2002"),
        (b"A,A\n1,2\n", {}, "GW-2503"),
        (b"A,B\n1,2\n", {"synonyms": {"A": ["B"]}}, "GW-2503"),
        (b"A\n1\n", {"key": "ID"}, "GW-2505"),
        (b"A\n1\n", {"control_id": "ID"}, "GW-2505"),
        (b"A\n1\n", {"delimiter": ";;"}, "GW-2003"),
        (b"A\n1\n", {"delimiter": 7}, "GW-2003"),
        (b"A\n1\n", {"synonyms": ["x"]}, "GW-2003"),
        (b"A\n1\n", {"header": [1]}, "GW-2003"),
        (b'"A\n1\n', {}, "GW-2502"),
        (b",,\n,\n", {}, "GW-2504"),
        (b"A\n\xff\n", {}, "GW-2602"),
    ],
)
def test_files_and_options_that_cannot_be_read_are_refused(
    raw: bytes, options: dict[str, object], number: str
) -> None:
    with pytest.raises(GatewayError) as caught:
        list(READERS["rows"].read(envelope(raw, "rows", None, options)))
    assert caught.value.number == number


@pytest.mark.parametrize("path", ["", "  ", "rows()/"])
def test_a_path_without_column_is_refused(path: str) -> None:
    with pytest.raises(PathError):
        DIALECTS["rows"].compile(path, {})


def test_a_large_file_streams() -> None:
    raw = b"A,B\n" + b"1,2\n" * 50_000
    records = READERS["rows"].read(envelope(raw, "rows"))
    first = next(iter(records))
    assert texts(first, "A") == ["1"]
    assert sum(1 for _ in records) == 49_999
