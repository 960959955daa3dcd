"""``gateway map folder`` gives every file to the pack of its kind and mirrors the folders."""

import json
from pathlib import Path

from click.testing import CliRunner

from gateway.cli.map import map_
from tests.unit.mapping.tryout import patient_map, write

PACKS = Path(__file__).parents[3] / "mappings" / "hl7v2"


def test_each_file_goes_to_the_pack_of_its_kind(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    for pack, name in (("oru", "lab"), ("siu", "booked")):
        (source / pack).mkdir(parents=True)
        sample = PACKS / pack / "samples" / f"{name}.hl7"
        (source / pack / "input.hl7").write_bytes(sample.read_bytes())
    (source / "input.hl7").write_bytes(b"MSH|^~\\&|A|B|||20260101||QRY^A19|1|P|2.5\r")
    options = ["--out", str(out), "--pattern", "*.hl7", "--bundle-name", "output.json"]
    folders = [part for pack in ("oru", "siu") for part in ("--mapping", PACKS / pack)]
    result = CliRunner().invoke(map_, ["folder", str(source), *options, *map(str, folders)])

    assert result.exit_code == 0, result.output
    assert "oru/input.hl7: hl7v2/oru" in result.output
    assert "2 mapped, 0 refused, 1 no mapping" in result.output
    appointments = json.loads((out / "siu" / "output.json").read_bytes())["entry"]
    assert "Appointment" in {entry["resource"]["resourceType"] for entry in appointments}
    assert not (out / "output.json").exists()
    told = (out / "input.outcome.json").read_text(encoding="utf-8")
    assert "GW-3002" in told
    assert "hl7v2/oru, hl7v2/siu" in told


def test_in_a_folder_of_packs_what_takes_every_kind_hides_none_that_names_its_kind(
    tmp_path: Path,
) -> None:
    every = patient_map("gender: male", "hl7v2")
    write(tmp_path / "packs" / "every", every)
    named = every.replace("test/map", "test/named").replace(
        "hl7v2}", 'hl7v2, messages: ["ADT^A01"]}'
    )
    write(tmp_path / "packs" / "named", named)
    source = tmp_path / "in"
    source.mkdir()
    message = b"MSH|^~\\&|A|B|||20260101||ADT^A01|1|P|2.5\rPID|||7\r"
    (source / "a01.hl7").write_bytes(message)
    command = ["folder", str(source), "--out", str(tmp_path / "out")]
    packs = ["--mapping", str(tmp_path / "packs")]
    result = CliRunner().invoke(map_, [*command, *packs])

    assert "a01.hl7: test/named" in result.output


def test_a_folder_that_holds_a_mapping_is_that_mapping(tmp_path: Path) -> None:
    """``ccda/document`` takes every kind, and is meant where it is named itself."""
    pack = PACKS.parent / "flat-fhir" / "patient"
    command = ["folder", str(pack / "samples"), "--mapping", str(pack), "--out", str(tmp_path)]
    result = CliRunner().invoke(map_, command)

    assert result.exit_code == 0, result.output
    assert "1 mapped" in result.output


def test_every_record_of_a_batch_goes_to_the_pack_of_its_kind(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    messages = [
        (PACKS / pack / "samples" / f"{name}.hl7").read_bytes()
        for pack, name in (("oru", "lab"), ("siu", "booked"))
    ]
    (source / "both.hl7").write_bytes(b"BHS|^~\\&\r" + b"\r".join(messages) + b"\rBTS|2\r")
    folders = [part for pack in ("oru", "siu") for part in ("--mapping", PACKS / pack)]
    command = ["folder", str(source), "--out", str(out), *map(str, folders)]
    result = CliRunner().invoke(map_, command)

    assert result.exit_code == 0, result.output
    entries = json.loads((out / "both.bundle.json").read_bytes())["entry"]
    assert {"Appointment", "DiagnosticReport"} <= {
        entry["resource"]["resourceType"] for entry in entries
    }


def test_what_no_pack_takes_of_a_batch_is_told(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    known = (PACKS / "oru" / "samples" / "lab.hl7").read_bytes()
    other = b"MSH|^~\\&|A|B|||20260101||QRY^A19|1|P|2.5\r"
    (source / "both.hl7").write_bytes(b"BHS|^~\\&\r" + known + b"\r" + other + b"BTS|2\r")
    command = ["folder", str(source), "--out", str(out), "--mapping", str(PACKS / "oru")]
    result = CliRunner().invoke(map_, command)

    assert result.exit_code == 1
    assert "QRY^A19" in result.output
    assert "0 mapped, 1 refused, 0 no mapping" in result.output
