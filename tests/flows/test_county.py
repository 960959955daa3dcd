"""A county of five vendors' shapes with their dirt, sent by each hospital's own carrier."""

import json
from collections import Counter
from pathlib import Path

from click.testing import CliRunner

from gateway.cli.sandbox import sandbox
from gateway.cli.sandbox.dirt import DIRT
from gateway.cli.sandbox.stays import county
from gateway.cli.sandbox.truth import facts
from tests.support.counties import written_county
from tests.support.worlds import seeded_world


def test_everything_arrives_once_and_what_is_broken_is_parked_for_its_reason(
    tmp_path: Path,
) -> None:
    with seeded_world(tmp_path / "data") as world:
        played = written_county(world, tmp_path / "county", patients=20, dirty=0.9)
        world.start()
        played.send()
        findings = played.found()
    assert findings.wrong == []
    told = Counter(one["kind"] for one in facts(county(20, 10, 1)))
    assert findings.held == told
    lines = (tmp_path / "county" / "manifest.jsonl").read_text("utf-8").splitlines()
    dirt = {json.loads(line)["dirt"] for line in lines} - {None}
    assert dirt >= {one.name for one in DIRT if one.parks}


def test_the_same_seed_writes_the_same_county(tmp_path: Path) -> None:
    for name in ("one", "two"):
        place = str(tmp_path / name)
        given = ["write", place, "--patients", "15", "--dirty", "0.3", "--view-url", "sqlite://"]
        assert CliRunner().invoke(sandbox, given).exit_code == 0
    for name in ("manifest.jsonl", "truth.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_what_differs_from_the_truth_is_told(tmp_path: Path) -> None:
    with seeded_world(tmp_path / "data") as world:
        played = written_county(world, tmp_path / "county", patients=5)
        findings = played.found(tries=1)
    assert not findings.held
    assert any("0 found" in line for line in findings.wrong)
