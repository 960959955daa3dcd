"""Carriers and the whole way: folder and view in, members by the row's code, history in silence."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from gateway.carriers.folder import Folder, FolderOptions
from gateway.cli.demo.world import record
from gateway.preparing import silenced
from gateway.records import Reaction, Relation, Resource, Visibility
from gateway.running import carriers_of, carrying, taker
from gateway.wiring import Runtime, build_runtime
from tests.support.worlds import seeded_world

REFERRALS = "qs-township-referral"
CODE = b"12429901MB01A1009G"
MAPPINGS = "mappings/township-bsoft:mappings/hl7v2:mappings/county/adt"
ALL = Visibility(1, "", sees_all=True)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    with seeded_world(tmp_path / "data", mappings=MAPPINGS) as world:
        running = build_runtime(world.settings)
        yield running
        running.close()


def change(runtime: Runtime, **options: Any) -> None:
    """Give the referral channel further options."""
    channel = runtime.store.registry.channel(REFERRALS)
    runtime.store.registry.add_channel(replace(channel, options={**channel.options, **options}))


def owners(runtime: Runtime, type_: str) -> set[str]:
    query = runtime.store.query(1, (type_,), [])
    return {one.owner for one in runtime.store.search(ALL, query).matches}


def test_a_dropped_referral_arrives_once_and_its_file_lies_in_done(
    runtime: Runtime, tmp_path: Path
) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    for name in ("a.csv", "again.csv"):
        (folder / name).write_bytes(record("referral.csv"))
    watched = Folder(FolderOptions(folder, settle_s=0), taker(runtime.pipeline, REFERRALS))
    assert watched.poll() == 2
    watched.close()
    assert len(list((folder / "done").iterdir())) == 2
    assert runtime.store.journal.counts(1) == {"stored": 1}
    assert owners(runtime, "ServiceRequest") == {"qs-township"}


def test_a_folder_is_watched_beside_the_server_though_another_channel_is_wrong(
    runtime: Runtime, tmp_path: Path
) -> None:
    folder = tmp_path / "drop"
    change(runtime, folder={"path": str(folder), "settle_s": 0, "every_s": 0.05})
    wrong = replace(runtime.store.registry.channel(REFERRALS), id="aaa", options={"view": "?"})
    runtime.store.registry.add_channel(wrong)
    folder.mkdir()
    (folder / "a.csv").write_bytes(record("referral.csv"))
    with carrying(runtime):
        for _ in range(200):
            if (folder / "done" / "a.csv").exists():
                break
            time.sleep(0.05)
    assert owners(runtime, "ServiceRequest") == {"qs-township"}


def test_rows_of_a_view_become_referrals(runtime: Runtime, tmp_path: Path) -> None:
    header, row = record("referral.csv").decode("gb18030").splitlines()
    names, cells = header.split(","), row.split(",")
    url = f"sqlite:///{tmp_path}/his.db"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE v_zz ({', '.join(f'{n} TEXT' for n in names)})"))
        values = dict(zip(names, cells, strict=True))
        places = ", ".join(f":{name}" for name in names)
        connection.execute(text(f"INSERT INTO v_zz VALUES ({places})"), values)  # noqa: S608
    engine.dispose()
    view = {"url": url, "table": "v_zz", "watermark": "SHENQINGRQ", "charset": "gb18030"}
    change(runtime, view=view)
    (poller,) = carriers_of(runtime.store.registry.channel(REFERRALS), runtime)
    assert poller.carrier.poll() == 1
    assert poller.carrier.poll() == 0
    poller.carrier.close()
    assert runtime.store.journal.counts(1) == {"stored": 1}


def send(runtime: Runtime, raw: bytes) -> list[tuple[str, str | None]]:
    results = runtime.pipeline.process(runtime.pipeline.receive(REFERRALS, raw))
    return [(one.status, one.error) for one in results]


def test_the_rows_organisation_code_decides_whose_record_it_is(runtime: Runtime) -> None:
    members = {"path": "SHENQINGJGDM", "allowed": ["qs-township", "lj-city"]}
    change(runtime, members=members | {"codes": {"LJ01": "lj-city"}})
    header, row = record("referral.csv").splitlines()
    other = row.replace(CODE, b"lj01").replace(b"ZZ20261102001", b"ZZ20261102002")
    stranger = row.replace(CODE, b"12429901MB01A2001Y")
    nameless = row.replace(CODE, b"")
    told = send(runtime, b"\r\n".join([header, row, other, stranger, nameless]))
    assert told == [
        ("stored", None),
        ("stored", None),
        ("parked", "GW-1031"),
        ("parked", "GW-1030"),
    ]
    assert owners(runtime, "ServiceRequest") == {"qs-township", "lj-city"}
    assert owners(runtime, "Patient") == {"qs-township", "lj-city"}


def test_a_channel_whose_members_are_not_said_rightly_parks(runtime: Runtime) -> None:
    for number, wrong in enumerate(
        ({"path": "x"}, {"path": "", "allowed": []}, "all", {"allowed": ["qs-county"]})
    ):
        change(runtime, members=wrong)
        raw = record("referral.csv").replace(b"ZZ20261102001", b"ZZ2026110200%d" % number)
        assert send(runtime, raw) == [("parked", "GW-1032")]


def notices(runtime: Runtime) -> int:
    return sum(runtime.store.outbox.counts(1).values())


def story(runtime: Runtime, *, is_historical: bool) -> None:
    """Take a referral and the stay that it led to."""
    registry = runtime.store.registry
    for channel in registry.channels():
        options = {**channel.options, "historical": is_historical}
        registry.add_channel(replace(channel, options=options))
    for channel_id, name in (
        (REFERRALS, "referral.csv"),
        ("qs-county-adt", "admission.hl7"),
        ("qs-county-adt", "discharge.hl7"),
    ):
        runtime.pipeline.process(runtime.pipeline.receive(channel_id, record(name)))


def test_old_records_that_are_loaded_back_fire_no_notices(runtime: Runtime) -> None:
    story(runtime, is_historical=True)
    assert notices(runtime) == 0
    assert owners(runtime, "Encounter") >= {"qs-county"}


def test_new_records_do_fire_them(runtime: Runtime) -> None:
    story(runtime, is_historical=False)
    assert notices(runtime) > 0


class Stored:
    """What is known already: one task."""

    def read(self, type_: str, id_: str) -> Resource | None:
        return {"resourceType": "Task", "id": "old"} if (type_, id_) == ("Task", "old") else None


def test_history_drafts_no_order_and_no_task_but_completes_what_is_there() -> None:
    made = [
        {"resourceType": type_, "id": id_}
        for type_, id_ in (
            ("ServiceRequest", "draft"),
            ("Task", "sign"),
            ("Task", "old"),
            ("Claim", "c"),
        )
    ]
    relation = Relation("p", "qs-county", None, 2, "sent", datetime.now(UTC))
    reaction = Reaction(tuple(("qs-county", one) for one in made), (relation,))
    quiet = silenced(reaction, Stored())
    assert [one["id"] for _, one in quiet.resources] == ["old", "c"]
    assert quiet.relations == (relation,)
