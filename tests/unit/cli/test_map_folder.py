"""``gateway map folder`` gives every file to the pack of its kind and mirrors the folders."""

import json
from pathlib import Path

from click.testing import CliRunner

from gateway.cli.map import map_

PACKS = Path(__file__).parents[3] / "mappings" / "hl7v2"


def test_each_file_goes_to_the_pack_of_its_kind_and_not_to_what_they_extend(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    for pack, name in (("oru", "lab"), ("siu", "booked")):
        (source / pack).mkdir(parents=True)
        sample = PACKS / pack / "samples" / f"{name}.hl7"
        (source / pack / "input.hl7").write_bytes(sample.read_bytes())
    (source / "input.hl7").write_bytes(b"MSH|^~\\&|A|B|||20260101||QRY^A19|1|P|2.5\r")
    options = ["--out", str(out), "--pattern", "*.hl7", "--bundle-name", "output.json"]
    folders = [part for pack in ("clinical", "oru", "siu") for part in ("--mapping", PACKS / pack)]
    result = CliRunner().invoke(map_, ["folder", str(source), *options, *map(str, folders)])

    assert result.exit_code == 0, result.output
    assert "oru/input.hl7: hl7v2/oru" in result.output
    assert "2 mapped, 0 refused, 1 no mapping" in result.output
    appointments = json.loads((out / "siu" / "output.json").read_bytes())["entry"]
    assert "Appointment" in {entry["resource"]["resourceType"] for entry in appointments}
    assert not (out / "output.json").exists()
    assert "GW-3002" in (out / "input.outcome.json").read_text(encoding="utf-8")
