"""Foreign records, named by CORPORA: each is read without loss or refused with its place."""

import csv
import os
import re
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.records import Format, Parsed
from tests.unit.formats.reading import read, texts

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif("CORPORA" not in os.environ, reason="CORPORA is not set"),
]
CORPORA = Path(os.environ.get("CORPORA", "."))
_FORMATS: dict[str, Format] = {
    ".hl7": "hl7v2",
    ".xml": "xml",
    ".json": "json",
    ".csv": "rows",
    ".tsv": "rows",
}


def read_file(path: Path) -> list[Parsed]:
    """Read a file as its channel would be set up: GBK and tabs are declared."""
    charset = "gb18030" if "gb18030" in path.name or "gbk" in path.name else None
    delimiter = "tab" if path.suffix == ".tsv" else ","
    return read(path.read_bytes(), _FORMATS[path.suffix], charset, delimiter=delimiter)


@pytest.mark.parametrize("folder", ["hl7v2", "china", "ccda", "ccda-inputs", "csv"])
def test_every_file_is_read_or_refused_with_a_place(folder: str) -> None:
    refused: list[tuple[str, bool]] = []
    count = 0
    for path in sorted(CORPORA.joinpath(folder).rglob("*")):
        if path.suffix not in _FORMATS:
            continue
        try:
            records = read_file(path)
        except GatewayError as error:
            refused.append((error.number, error.where is not None and error.where.line is not None))
            continue
        count += len(records)
        for record in records:
            leaves = list(record.leaves())
            assert record.kind
            assert leaves, path
            assert all(leaf.text and leaf.place.path for leaf in leaves), path
    assert count > 0
    expected = {"china": [("GW-2301", True)], "ccda-inputs": [("GW-2301", True)] * 31}
    assert refused == expected.get(folder, [])


def test_no_value_of_an_hl7_message_is_lost() -> None:
    for path in sorted(CORPORA.joinpath("hl7v2").rglob("input.hl7")):
        (record,) = read_file(path)
        assert record.kind.split("^")[0] == path.parent.parent.name
        body = path.read_text("utf-8-sig").strip()
        # MSH-1 and MSH-2 declare; cut everything else at every delimiter.
        cut = re.split(r"[|^~&\n\r]", body[8:])
        names = {line[:3] for line in body.split("\n")}
        values = [piece for piece in cut if piece.strip() and piece != '""']
        segments = body.count("\n") - body.count("\n\n")
        found = [leaf.raw_text for leaf in record.leaves()]
        lost = list(values)
        for value in found:
            lost.remove(value or "")
        assert set(lost) <= names
        assert len(lost) <= segments


def test_one_result_in_three_character_sets_is_one_result() -> None:
    folder = CORPORA / "china" / "hl7v2"
    told = []
    for path in sorted(folder.glob("SYNTH_ORU_*.hl7")):
        (record,) = read_file(path)
        told.append({str(leaf.place): leaf.text for leaf in record.leaves()})
        told[-1].pop("MSH-18 (line 1)", None)
    assert len(told) == 3
    assert told[0] == told[1] == told[2]


def test_the_gbk_result_without_declaration_is_refused() -> None:
    raw = (CORPORA / "china/hl7v2/SYNTH_ORU_R01_gbk_MSH18empty.hl7").read_bytes()
    with pytest.raises(GatewayError) as caught:
        read(raw, "hl7v2")
    assert caught.value.number == "GW-2602"


def test_a_referral_table_is_the_same_in_both_character_sets() -> None:
    folder = CORPORA / "china" / "referral"
    (one,) = read_file(folder / "SYNTH_bsoft_style_referral_gb18030.csv")
    (other,) = read_file(folder / "SYNTH_bsoft_style_referral_utf8bom.csv")
    assert [leaf.text for leaf in one.leaves()] == [leaf.text for leaf in other.leaves()]
    assert texts(one, "ZHUANZHENDH") == ["ZZ20260316001"]


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("Patient", 41),
        ("Encounter", 9),
        ("Organization", 49),
        ("Practitioner", 117),
        ("Location", 48),
    ],
)
def test_every_row_and_cell_of_an_export_is_read(table: str, rows: int) -> None:
    path = CORPORA / "csv" / f"{table}.csv"
    records = read_file(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        expected = [[cell for cell in row.values() if cell.strip()] for row in csv.DictReader(file)]
    assert len(records) == rows
    assert [[leaf.raw_text for leaf in record.leaves()] for record in records] == expected


def test_chinese_documents_are_known_by_the_number_of_their_name() -> None:
    for path in sorted(CORPORA.joinpath("china", "cda").glob("C0*.xml")):
        if "MALFORMED" not in path.name:
            (record,) = read_file(path)
            assert record.kind == f"C0{path.name[1:4]}"
