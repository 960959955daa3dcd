"""``gateway consortium apply`` as an operator uses it."""

from pathlib import Path

from click.testing import CliRunner, Result

from gateway.cli.consortium import consortium
from gateway.cli.member import member

ROOT = Path(__file__).parents[3]
STORY = ROOT / "gateway" / "cli" / "demo" / "story" / "consortium.yaml"
RECIPE = ROOT / "docs" / "recipes" / "add-a-hospital" / "consortium.yaml"


def apply(path: Path, folder: Path) -> Result:
    """Apply a consortium file in a data folder."""
    done = CliRunner().invoke(consortium, ["apply", str(path), "--data-dir", str(folder)])
    assert done.exit_code == 0, done.output
    return done


def test_a_second_file_adds_its_member_and_leaves_the_others(tmp_path: Path) -> None:
    apply(STORY, tmp_path)
    apply(RECIPE, tmp_path)
    apply(RECIPE, tmp_path)
    listed = CliRunner().invoke(member, ["list", "--data-dir", str(tmp_path)]).output
    assert listed.count("12429901MB01A6002Y") == 1
    assert listed.count("12429901MB01A2001Y") == 1


def test_a_channel_whose_mapping_is_not_there_yet_is_told(tmp_path: Path) -> None:
    assert apply(STORY, tmp_path).stderr == ""
    told = apply(RECIPE, tmp_path).stderr
    assert "baiyun-referral" in told
    assert "baiyun/referral" in told
