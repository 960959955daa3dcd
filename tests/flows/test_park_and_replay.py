"""What fails is parked, is mended outside, and is replayed; nothing good is held back or undone."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.demo.world import World, record
from tests.support.loads import referral_file
from tests.support.worlds import running_world

TOWNSHIP, REFERRALS = "qs-township", "qs-township-referral"
PACKAGED = Path(__file__).parents[2] / "mappings"
UNKNOWN_SEX = (b",2,19", b",7,19")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A consortium whose mappings lie in a folder that a test may change."""
    mappings = tmp_path_factory.mktemp("mappings") / "mappings"
    shutil.copytree(PACKAGED, mappings)
    folder = tmp_path_factory.mktemp("park")
    with running_world(folder, mappings=str(mappings)) as running:
        yield running


def replay(world: World, told: dict[str, Any]) -> dict[str, Any]:
    """Ask for a replay with today's mappings."""
    answer = world.http.post(
        told["links"]["replay"],
        headers={"Authorization": f"Bearer {world.tokens[TOWNSHIP]}"},
        timeout=60,
    )
    answer.raise_for_status()
    again: dict[str, Any] = answer.json()
    return again


def referral(world: World, number: int) -> dict[str, Any]:
    """Give the one referral of a number."""
    (found,) = world.found(TOWNSHIP, f"ServiceRequest?identifier=ZZ{number:011d}")
    return found


def statuses(told: dict[str, Any]) -> list[str]:
    return [one["status"] for one in told["records"]]


def test_an_unknown_code_is_parked_with_its_table_and_replayed_once_the_table_has_it(
    world: World,
) -> None:
    told = world.send(REFERRALS, referral_file(1, rows=1).replace(*UNKNOWN_SEX))
    assert statuses(told) == ["parked"]
    (parked,) = told["records"]
    assert (parked["stage"], parked["error"]["number"]) == ("map", "GW-3102")
    assert "gender" in parked["error"]["zh"]
    assert "gender" in parked["error"]["en"]
    assert parked["error"]["place"].startswith("BINGRENXB (line 2")
    assert statuses(replay(world, told)) == ["parked"]
    table = Path(world.options["mappings"]) / "national-codes" / "gender.csv"
    before = table.read_text("utf-8")
    row = next(line for line in before.splitlines() if line.startswith("9,"))
    try:
        table.write_text(before + "7" + row[1:] + "\n", "utf-8")
        assert statuses(replay(world, told)) == ["stored"]
    finally:
        table.write_text(before, "utf-8")
    assert world.message(TOWNSHIP, told["message"])["status"] == "stored"
    patient = world.get(TOWNSHIP, referral(world, 1)["subject"]["reference"])
    assert patient["gender"] == "unknown"


def test_one_bad_row_among_good_ones_is_parked_alone(world: World) -> None:
    lines = referral_file(10, rows=3).splitlines(keepends=True)
    lines[2] = lines[2].replace(*UNKNOWN_SEX)
    told = world.send(REFERRALS, b"".join(lines))
    assert statuses(told) == ["stored", "parked", "stored"]
    assert told["status"] == "parked"
    assert told["records"][1]["error"]["place"].startswith("BINGRENXB (line 3")
    assert referral(world, 10)
    assert referral(world, 12)
    assert not world.found(TOWNSHIP, "ServiceRequest?identifier=ZZ00000000011")


def test_a_row_with_a_cell_too_many_is_parked_alone(world: World) -> None:
    lines = referral_file(20, rows=3).splitlines(keepends=True)
    lines[2] = b"stray," + lines[2]
    told = world.send(REFERRALS, b"".join(lines))
    assert statuses(told) == ["stored", "parked", "stored"]
    assert told["records"][1]["stage"] == "parse"
    assert "line 3" in told["records"][1]["error"]["place"]


def test_the_same_bytes_twice_get_the_same_answer_and_change_nothing(world: World) -> None:
    raw = referral_file(30)
    first = world.send(REFERRALS, raw)
    before = referral(world, 30)
    second = world.send(REFERRALS, raw)
    assert (first.pop("duplicate"), second.pop("duplicate")) == (False, True)
    assert second == first
    assert referral(world, 30) == before


def test_a_replayed_old_message_does_not_undo_a_newer_one(world: World) -> None:
    older = referral_file(40, rows=1)
    newer = older.replace(b"2026-11-02 10:20:00", b"2026-11-02 11:45:00")
    newer = newer.replace(b"13800006214", b"13900006214")
    first = world.send(REFERRALS, older)
    assert statuses(first) == ["stored"]
    assert statuses(world.send(REFERRALS, newer)) == ["stored"]
    before = referral(world, 40)
    patient = world.get(TOWNSHIP, before["subject"]["reference"])
    assert [one["value"] for one in patient["telecom"]] == ["13900006214"]
    replay(world, first)
    assert referral(world, 40) == before
    assert world.get(TOWNSHIP, before["subject"]["reference"]) == patient


def test_of_two_records_of_one_time_the_later_received_stays(world: World) -> None:
    first = referral_file(44, rows=1)
    second = first.replace(b"13800006214", b"13900006214")
    told = world.send(REFERRALS, first)
    assert statuses(world.send(REFERRALS, second)) == ["stored"]
    patient = referral(world, 44)["subject"]["reference"]
    before = world.get(TOWNSHIP, patient)
    assert [one["value"] for one in before["telecom"]] == ["13900006214"]
    replay(world, told)
    assert world.get(TOWNSHIP, patient) == before


def test_a_day_without_a_time_orders_records_too(world: World) -> None:
    timed = referral_file(90, rows=1)
    newer = timed.replace(b"2026-11-02 10:20:00", b"2026-11-03")
    newer = newer.replace(b"13800006214", b"13900006214")
    assert statuses(world.send(REFERRALS, newer)) == ["stored"]
    before = referral(world, 90)
    world.send(REFERRALS, timed)
    patient = world.get(TOWNSHIP, before["subject"]["reference"])
    assert [one["value"] for one in patient["telecom"]] == ["13900006214"]


def test_a_broken_document_is_mended_by_its_corrected_file(world: World) -> None:
    told = world.send("qs-county-documents", record("discharge-summary-broken.xml"))
    (parked,) = told["records"]
    assert (parked["status"], parked["stage"]) == ("parked", "parse")
    assert parked["error"]["number"] == "GW-2301"
    assert "line" in parked["error"]["place"]
    mended = world.correct(told, "qs-county", record("discharge-summary.xml"))
    assert statuses(mended) == ["stored"]
    assert mended["corrects"] == told["message"]
    after = world.message("qs-county", told["message"])
    assert (after["status"], statuses(after)) == ("corrected", ["corrected"])


@pytest.mark.parametrize(
    ("first", "before", "after", "number"),
    [
        pytest.param(50, "intent: order", "intent: plan", "GW-3040", id="fails its tests"),
        pytest.param(60, "intent: order", "intent: 订单", "GW-3", id="gives no valid code"),
        pytest.param(70, "intent: order", "intnet: order", "GW-3", id="does not compile"),
        pytest.param(80, "resources:", "resources: [", "GW-3", id="is no YAML"),
    ],
)
def test_a_mapping_that_does_not_pass_is_refused_and_the_old_one_stays_in_force(
    world: World, first: int, before: str, after: str, number: str
) -> None:
    path = Path(world.options["mappings"]) / "township-bsoft" / "referral" / "map.yaml"
    text = path.read_text("utf-8")
    assert before in text
    log = world.data_dir / "server.log"
    told_before = len(log.read_bytes())
    try:
        path.write_text(text.replace(before, after, 1), "utf-8")
        assert statuses(world.send(REFERRALS, referral_file(first, rows=1))) == ["stored"]
    finally:
        path.write_text(text, "utf-8")
    assert referral(world, first)["intent"] == "order"
    told = log.read_bytes()[told_before:].decode()
    assert "mapping refused" in told
    assert f'"error": "{number}' in told
