"""What a crash or an absent database broke off is brought to its end, and only that."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.demo.world import new_world, record
from gateway.errors import GatewayError
from gateway.holding import Holding
from gateway.records import Commit, Stored
from gateway.store import Store
from gateway.wiring import Runtime, build_runtime
from tests.support.loads import referral_file

ADT, REFERRALS = "qs-county-adt", "qs-township-referral"
TOMORROW = timedelta(days=1)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    world = new_world(tmp_path / "data")
    world.seed()
    running = build_runtime(world.settings)
    yield running
    running.close()
    world.stop()


class Away(Store):
    """A store whose database is away when something is to be committed."""

    def __init__(self, store: Store) -> None:
        self.__dict__ = store.__dict__

    def commit(self, commit: Commit) -> tuple[Stored, ...]:
        raise GatewayError("GW-5003", reason="test")


def take(runtime: Runtime, channel: str, raw: bytes) -> str:
    envelope = runtime.pipeline.receive(channel, raw)
    runtime.pipeline.process(envelope)
    return envelope.message_id


def state(runtime: Runtime) -> list[tuple[Any, ...]]:
    path = runtime.settings.data_dir / "gateway.sqlite"
    with sqlite3.connect(path) as database:
        return database.execute("SELECT type, id, version_no FROM version ORDER BY pk").fetchall()


def break_off(runtime: Runtime, message: str) -> None:
    """Leave a message as a kill between its last commit and its end leaves it."""
    path = runtime.settings.data_dir / "gateway.sqlite"
    with sqlite3.connect(path) as database:
        asked = "UPDATE message SET status = 'received' WHERE message_id = ?"
        assert database.execute(asked, (message,)).rowcount == 1


def test_a_record_that_was_stored_before_the_crash_is_not_run_again(runtime: Runtime) -> None:
    admission = take(runtime, ADT, record("admission.hl7"))
    take(runtime, ADT, record("discharge.hl7"))
    before = state(runtime)
    break_off(runtime, admission)
    assert runtime.pipeline.recover(ahead=TOMORROW) == 1
    assert state(runtime) == before
    [result] = runtime.pipeline.results(1, admission)
    assert result.status == "stored"
    assert runtime.store.journal.message(1, admission).status == "stored"


def test_while_the_database_is_away_nothing_is_parked(runtime: Runtime) -> None:
    pipeline = runtime.pipeline
    envelope = pipeline.receive(ADT, record("admission.hl7"))
    away = replace(pipeline, store=Away(runtime.store))
    with pytest.raises(GatewayError, match="GW-5003"):
        away.process(envelope)
    assert pipeline.results(1, envelope.message_id) == []
    again = pipeline.receive(ADT, record("admission.hl7"))
    assert again.message_id == envelope.message_id
    assert [one.status for one in pipeline.process(again)] == ["stored"]


def test_messages_of_one_channel_are_worked_off_in_the_order_they_came(runtime: Runtime) -> None:
    pipeline = runtime.pipeline
    received = [
        pipeline.receive(REFERRALS, referral_file(number, rows=1)) for number in range(1, 13)
    ]
    for envelope in received:
        pipeline.submit(envelope)
    for lane in pipeline.lanes:
        lane.submit(int).result()  # Everything that was submitted before has ended.
    ended = [
        row.updated_utc
        for envelope in received
        for row in runtime.store.journal.records(1, envelope.message_id)
    ]
    assert len(ended) == len(received)
    assert ended == sorted(ended)


def test_what_a_dead_process_held_waits_for_seconds_and_what_a_live_one_holds_is_left_to_it(
    runtime: Runtime,
) -> None:
    pipeline = runtime.pipeline
    envelope = pipeline.receive(ADT, record("admission.hl7"))
    late = replace(pipeline, now=lambda: pipeline.now() + timedelta(seconds=10))
    later = replace(pipeline, now=lambda: pipeline.now() + timedelta(seconds=20))
    assert late.recover() == 0
    holding = Holding(runtime.store.journal.leases, late.now)
    holding.take(1, envelope.message_id)
    holding.beat()
    assert later.recover() == 0
    pipeline.holding.close()
    assert pipeline.recover() == 1
    assert [one.status for one in pipeline.results(1, envelope.message_id)] == ["stored"]


_DEADLY = """
import os, sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from gateway.settings import load_settings
from gateway.wiring import build_runtime

class Deadly:
    def read(self, envelope):
        os._exit(9)

runtime = build_runtime(load_settings({}, data_dir=Path(sys.argv[1])))
pipeline = runtime.pipeline
readers = dict.fromkeys(pipeline.readers, Deadly())
replace(pipeline, readers=readers).recover(ahead=timedelta(days=1))
runtime.close()
"""


def test_a_message_that_ends_the_process_again_and_again_is_parked(runtime: Runtime) -> None:
    message = runtime.pipeline.receive(ADT, record("admission.hl7")).message_id
    folder = str(runtime.settings.data_dir)
    codes = [
        subprocess.run([sys.executable, "-c", _DEADLY, folder], check=False).returncode
        for _ in range(3)
    ]
    assert codes == [9, 9, 0]
    [result] = runtime.pipeline.results(1, message)
    assert (result.status, result.error) == ("parked", "GW-1013")
    assert runtime.pipeline.recover(ahead=TOMORROW) == 0
    [result] = runtime.pipeline.replay(1, message)
    assert result.status == "stored"


def test_a_message_that_cannot_be_read_any_more_keeps_no_other_from_its_end(
    runtime: Runtime,
) -> None:
    pipeline = runtime.pipeline
    lost = pipeline.receive(ADT, record("admission.hl7")).message_id
    path = runtime.settings.data_dir / "gateway.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE message SET raw = NULL WHERE message_id = ?", (lost,))
    other = pipeline.receive(ADT, record("discharge.hl7")).message_id
    assert pipeline.recover(ahead=TOMORROW) == 2
    assert [one.status for one in pipeline.results(1, other)] == ["stored"]
