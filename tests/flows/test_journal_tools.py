"""Searching the journal, rehearsing a replay, replaying a selection, pruning: as staff do it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from gateway.cli.demo.world import World
from tests.support.loads import referral_file
from tests.support.worlds import running_world

TOWNSHIP, REFERRALS = "qs-township", "qs-township-referral"
PACKAGED = Path(__file__).parents[2] / "mappings"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A consortium whose mappings lie in a folder that a test may change."""
    mappings = tmp_path_factory.mktemp("mappings") / "mappings"
    shutil.copytree(PACKAGED, mappings)
    with running_world(tmp_path_factory.mktemp("journal"), mappings=str(mappings)) as running:
        yield running


def ask(world: World, method: str, path: str, member: str = TOWNSHIP) -> Any:
    headers = {"Authorization": f"Bearer {world.tokens[member]}"}
    return world.http.request(method, world.url + path, headers=headers, timeout=60)


def command(world: World, *words: str) -> str:
    """Run the command line on the running server's data."""
    environ = os.environ | {
        "GATEWAY_DATA_DIR": str(world.data_dir),
        "GATEWAY_MAPPINGS": str(world.options["mappings"]),
    }
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "messages", *words],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def gender_table(world: World) -> Path:
    return Path(world.options["mappings"]) / "national-codes" / "gender.csv"


@contextmanager
def changed_table(world: World, change: tuple[str, str]) -> Iterator[None]:
    """Change the table of sexes while the block runs."""
    table = gender_table(world)
    text = table.read_text("utf-8")
    assert change[0] in text
    try:
        table.write_text(text.replace(*change), "utf-8")
        yield
    finally:
        table.write_text(text, "utf-8")


def wait_until_unparked(world: World, message: str) -> str:
    """Wait for a replay in the background and give the message's status."""
    for _ in range(100):
        status: str = world.message(TOWNSHIP, message)["status"]
        if status != "parked":
            return status
        sleep(0.1)
    return "parked"


def test_a_record_is_found_by_its_referral_number_and_by_nobody_else(world: World) -> None:
    told = world.send(REFERRALS, referral_file(1, rows=1))
    found = ask(world, "GET", "/intake/messages?key=ZZ00000000001").json()["records"]
    assert [one["message"] for one in found] == [told["message"]]
    assert found[0]["status"] == "stored"
    other = ask(world, "GET", "/intake/messages?key=ZZ00000000001", "qs-county")
    assert other.json()["records"] == []
    assert told["message"] in command(world, "list", "--key", "ZZ00000000001")
    assert "no records" in command(world, "list", "--key", "ZZ00000000001", "--until", "2020-01-01")


def test_a_list_is_paged_without_gap_or_double(world: World) -> None:
    world.send(REFERRALS, referral_file(100, rows=5))
    seen: list[tuple[str, int]] = []
    path = "/intake/messages?limit=2"
    while path:
        page = ask(world, "GET", path).json()
        seen += [(one["message"], one["ordinal"]) for one in page["records"]]
        path = page.get("links", {}).get("next", "").removeprefix(world.url)
    whole = ask(world, "GET", "/intake/messages?limit=200").json()["records"]
    assert seen == [(one["message"], one["ordinal"]) for one in whole]
    assert len(seen) == len(set(seen)) >= 5


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "since=yesterday", "since=2026-01-01", "before=x", "colour=red"]
)
def test_a_filter_that_does_not_fit_is_named(world: World, query: str) -> None:
    answer = ask(world, "GET", f"/intake/messages?{query}")
    assert answer.status_code == 400
    assert "GW-1021" in answer.text
    assert query.partition("=")[0] in answer.text


def test_a_rehearsal_names_each_element_that_would_change_and_writes_nothing(
    world: World,
) -> None:
    told = world.send(REFERRALS, referral_file(203, rows=1).replace(b",2,19", b",9,19"))
    assert told["status"] == "stored"
    (before,) = world.found(TOWNSHIP, "ServiceRequest?identifier=ZZ00000000203")
    patient = before["subject"]["reference"]
    with changed_table(world, ("9,unknown", "9,other")):
        path = f"/intake/messages/{told['message']}/replay?dry-run=true"
        rehearsed = ask(world, "POST", path).json()
        shown = command(world, "replay", "--dry-run", told["message"])
    changes = {one["resource"]: one for one in rehearsed["records"][0]["changes"]}
    assert rehearsed["dry-run"] is True
    assert changes[patient]["differences"] == [
        {"path": "Patient.gender", "before": "unknown", "after": "other"}
    ]
    assert 'Patient.gender: "unknown" -> "other"' in shown
    assert world.found(TOWNSHIP, "ServiceRequest?identifier=ZZ00000000203") == [before]
    assert world.get(TOWNSHIP, patient)["gender"] == "unknown"


def test_every_message_with_one_error_is_replayed_once_its_cause_is_gone(world: World) -> None:
    bad = [referral_file(number, rows=1).replace(b",2,19", b",7,19") for number in (300, 301)]
    sent = [world.send(REFERRALS, raw) for raw in bad]
    assert [one["records"][0]["error"]["number"] for one in sent] == ["GW-3102", "GW-3102"]
    row = next(line for line in gender_table(world).read_text("utf-8").splitlines() if "9," in line)
    with changed_table(world, (row, f"{row}\n7{row[1:]}")):
        dry = command(world, "replay", "--error", "GW-3102", "--dry-run")
        assert dry.count("+ ServiceRequest/") == 2
        assert world.message(TOWNSHIP, sent[0]["message"])["status"] == "parked"
        answer = ask(world, "POST", "/intake/messages/replay?error=GW-3102")
        assert (answer.status_code, answer.json()["replaying"]) == (202, 2)
        ended = [wait_until_unparked(world, one["message"]) for one in sent]
    assert ended == ["stored", "stored"]


def test_a_replay_of_everything_must_be_asked_for_by_a_filter(world: World) -> None:
    answer = ask(world, "POST", "/intake/messages/replay")
    assert answer.status_code == 400
    assert "GW-1022" in answer.text


def test_pruning_tells_what_it_keeps_and_for_how_long(world: World) -> None:
    told = world.send(REFERRALS, referral_file(400, rows=1))
    counted = command(world, "prune", "--dry-run")
    assert "done 已完成: 0 messages" in counted
    assert "90 days" in counted
    assert "365 days" in counted
    assert "database 数据库" in command(world, "prune")
    assert "unchanged" in command(world, "replay", told["message"])
