"""A record that is older than what is stored, late or replayed, does not undo the newer."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.demo.world import record
from gateway.fhir import codec
from gateway.records import Visibility
from gateway.wiring import Runtime, build_runtime
from tests.support.worlds import seeded_world

ADT = "qs-county-adt"
ALL = Visibility(1, "", sees_all=True)


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    with seeded_world(tmp_path / "data", database=database_url) as world:
        running = build_runtime(world.settings)
        yield running
        running.close()


def test_an_older_admission_replaces_what_a_result_only_stood_in_for(runtime: Runtime) -> None:
    channel = runtime.store.registry.channel(ADT)
    mappings = (*channel.mappings, "lab/oru-r01")
    runtime.store.registry.add_channel(replace(channel, mappings=mappings))
    report = record("lab.hl7").decode("gb18030").replace("12429901MB01A1009G", "12429901MB01A2001Y")
    report = report.replace("PV1|1|O|", "PV1|1|I|").replace("MZ20261102017", "ZY20261103021")
    take(runtime, report.replace("20261102", "20261105").encode())
    assert stays(runtime) == ["unknown"]
    take(runtime, record("admission.hl7"))
    assert stays(runtime) == ["in-progress"]


def stays(runtime: Runtime) -> list[str]:
    query = runtime.store.query(1, ("Encounter",), [("identifier", "ZY20261103021")])
    found = runtime.store.search(ALL, query).matches
    return [codec.decode_stored(one.body)["status"] for one in found]


def take(runtime: Runtime, raw: bytes) -> str:
    envelope = runtime.pipeline.receive(ADT, raw)
    runtime.pipeline.process(envelope)
    return envelope.message_id


def people(runtime: Runtime) -> list[tuple[int, Any]]:
    query = runtime.store.query(1, ("Patient",), [("identifier", "420300196205143622")])
    found = runtime.store.search(ALL, query).matches
    return [(one.version, codec.decode_stored(one.body)["address"][0]["text"]) for one in found]


def test_an_older_record_that_comes_late_or_is_replayed_does_not_undo_the_newer(
    runtime: Runtime,
) -> None:
    newer = record("admission.hl7")
    moved = "柳溪村3组12号".encode()
    assert newer.count(moved) == 1
    older = record("admission-older.hl7").replace(moved, "柳溪村9组1号".encode())
    take(runtime, newer)
    stands = people(runtime)
    assert [address.endswith("柳溪村3组12号") for _, address in stands] == [True]
    late = take(runtime, older)
    assert [address for _, address in people(runtime)] == [address for _, address in stands]
    after = people(runtime)
    runtime.pipeline.replay(1, late)
    assert people(runtime) == after


def test_a_replay_of_the_first_record_does_not_undo_the_second(runtime: Runtime) -> None:
    moved = "柳溪村3组12号".encode()
    first = take(runtime, record("admission-older.hl7").replace(moved, "柳溪村9组1号".encode()))
    take(runtime, record("admission.hl7"))
    stands = people(runtime)
    assert [address.endswith("柳溪村3组12号") for _, address in stands] == [True]
    runtime.pipeline.replay(1, first)
    assert people(runtime) == stands
    # An empty field changes nothing, "" deletes.
    later = record("admission.hl7").replace(b"20261103150000", b"20261103160000")
    for sent, held in ((b"", {"telecom", "address"}), (b'""', {"address"})):
        raw = later.replace(b"HIS20261103", b"HIS" + str(len(sent)).encode())
        take(runtime, raw.replace(b"13800006214", sent))
        query = runtime.store.query(1, ("Patient",), [("identifier", "420300196205143622")])
        (found,) = runtime.store.search(ALL, query).matches
        assert codec.decode_stored(found.body).keys() & {"telecom", "address"} == held
