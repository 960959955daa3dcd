"""A watched folder: what is complete is taken once, in order, and moved aside."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.carriers.folder import Folder, folder_options
from gateway.errors import GatewayError
from tests.unit.carriers.taking import Journal


class Clock:
    """Seconds that pass when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


Watch = Callable[[], Folder]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def watch(tmp_path: Path, clock: Clock, journal: Journal) -> Iterator[Watch]:
    options = folder_options({"path": str(tmp_path), "settle_s": 2}, 1_000)
    made: list[Folder] = []

    def watched() -> Folder:
        made.append(Folder(options, journal.take, elapsed_s=clock))
        return made[-1]

    yield watched
    for folder in made:
        folder.close()


def settle(folder: Folder, clock: Clock) -> int:
    """Poll until what is there now counts as complete."""
    folder.poll()
    clock.now += 2
    return folder.poll()


def drop(folder: Path, name: str, content: bytes, age: int) -> None:
    (folder / name).write_bytes(content)
    os.utime(folder / name, (1_000_000 - age, 1_000_000 - age))


def test_complete_files_are_taken_the_oldest_first_and_moved_to_done(
    tmp_path: Path, watch: Watch, clock: Clock, journal: Journal
) -> None:
    drop(tmp_path, "b.csv", b"first", age=20)
    drop(tmp_path, "a.csv", b"second", age=10)
    assert settle(watch(), clock) == 2
    assert journal.messages == [b"first", b"second"]
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["a.csv", "b.csv"]
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize("name", ["x.csv.part", "x.tmp", ".x.csv", "~x.xlsx", "x.FILEPART"])
def test_a_file_with_the_name_of_an_unfinished_one_is_left_until_it_is_renamed(
    name: str, tmp_path: Path, watch: Watch, clock: Clock, journal: Journal
) -> None:
    drop(tmp_path, name, b"half", age=9)
    folder = watch()
    assert settle(folder, clock) == 0
    (tmp_path / name).rename(tmp_path / "x.csv")
    assert settle(folder, clock) == 1
    assert journal.messages == [b"half"]


def test_a_file_that_still_grows_is_taken_when_it_has_rested(
    tmp_path: Path, watch: Watch, clock: Clock, journal: Journal
) -> None:
    folder = watch()
    drop(tmp_path, "x.csv", b"one", age=9)
    folder.poll()
    clock.now += 1.9
    drop(tmp_path, "x.csv", b"one two", age=8)
    assert folder.poll() == 0
    clock.now += 1.9
    assert folder.poll() == 0
    clock.now += 0.1
    assert folder.poll() == 1
    assert journal.messages == [b"one two"]


def test_a_link_is_never_followed(
    tmp_path: Path, watch: Watch, clock: Clock, journal: Journal
) -> None:
    secret = tmp_path.parent / "secret"
    secret.write_bytes(b"not theirs")
    (tmp_path / "x.csv").symlink_to(secret)
    assert settle(watch(), clock) == 0
    assert journal.messages == []


def test_a_refused_file_goes_to_failed_with_the_reason_beside_it(
    tmp_path: Path, watch: Watch, clock: Clock, journal: Journal
) -> None:
    journal.parked = b"bad"
    drop(tmp_path, "bad.csv", b"bad", age=4)
    drop(tmp_path, "empty.csv", b"", age=3)
    drop(tmp_path, "large.csv", b"x" * 1_001, age=2)
    drop(tmp_path, "good.csv", b"good", age=1)
    assert settle(watch(), clock) == 4
    failed = {path.name for path in (tmp_path / "failed").iterdir()}
    names = {"bad.csv", "empty.csv", "large.csv"}
    assert failed == names | {f"{name}.error.txt" for name in names}
    note = (tmp_path / "failed" / "bad.csv.error.txt").read_text("utf-8")
    assert "GW-3102" in note
    assert "column 3" in note
    assert "GW-1003" in (tmp_path / "failed" / "large.csv.error.txt").read_text("utf-8")
    assert [path.name for path in (tmp_path / "done").iterdir()] == ["good.csv"]


def test_nothing_is_moved_while_nothing_can_be_promised(
    tmp_path: Path, watch: Watch, clock: Clock, journal: Journal
) -> None:
    journal.away_after = 1
    for number in range(3):
        drop(tmp_path, f"{number}.csv", b"%d" % number, age=9 - number)
    folder = watch()
    folder.poll()
    clock.now += 2
    with pytest.raises(GatewayError, match="GW-1053"):
        folder.poll()
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == ["1.csv", "2.csv"]
    journal.away_after = None
    assert folder.poll() == 2
    assert journal.messages == [b"0", b"1", b"2"]


def test_a_file_whose_move_failed_is_taken_again_and_known_as_a_duplicate(
    tmp_path: Path, watch: Watch, clock: Clock, journal: Journal
) -> None:
    drop(tmp_path, "x.csv", b"once", age=9)
    first = watch()
    first.poll()
    (tmp_path / "done").rmdir()
    (tmp_path / "done").write_text("in the way")
    clock.now += 2
    with pytest.raises(GatewayError, match="GW-1040"):
        first.poll()
    first.close()
    (tmp_path / "done").unlink()
    assert settle(watch(), clock) == 1
    assert journal.offered == 2
    assert journal.messages == [b"once"]


def test_a_second_file_of_the_same_name_overwrites_no_first_one(
    tmp_path: Path, watch: Watch, clock: Clock
) -> None:
    folder = watch()
    for content in (b"one", b"two"):
        drop(tmp_path, "x.csv", content, age=9)
        assert settle(folder, clock) == 1
    done = {path.name: path.read_bytes() for path in (tmp_path / "done").iterdir()}
    assert done == {"x.csv": b"one", "x.csv.2": b"two"}


def test_of_two_pollers_one_takes_and_the_other_follows_when_the_first_dies(
    tmp_path: Path, watch: Watch, clock: Clock, journal: Journal
) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from gateway.carriers.folder import *\n"
            "f = Folder(FolderOptions(Path(sys.argv[1])), lambda raw, kind: None); f.poll()\n"
            "print('held', flush=True); sys.stdin.read()",
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == b"held\n"
    drop(tmp_path, "x.csv", b"x", age=9)
    second = watch()
    assert settle(second, clock) == 0
    holder.kill()
    holder.communicate()
    assert settle(second, clock) == 1
    assert journal.messages == [b"x"]


@pytest.mark.parametrize(
    "told", [{}, {"path": 7}, {"path": "x", "settle_s": "soon"}, {"path": "x", "every": 1}]
)
def test_a_wrong_option_is_refused_by_its_name(told: dict[str, object]) -> None:
    with pytest.raises(GatewayError, match="GW-1041"):
        folder_options(told, 1)
