"""Mutated records and resources at the entrances: whatever comes, it is an answer and no fault.

FUZZ_SECONDS (60) bounds each entrance, FUZZ_SEED repeats a run.
"""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.demo.world import record
from gateway.fhir import codec
from gateway.formats.mllp import Deframer, FramingFault
from gateway.intake.hl7v2 import receiver
from gateway.records import Channel, Format
from gateway.settings import load_settings
from gateway.wiring import build_runtime
from tests.fuzz.readers import mutate
from tests.support.bad_input import GOOD
from tests.support.consortium import Consortium, found_consortium

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
SEED = int(os.environ.get("FUZZ_SEED", time.time_ns() % 1_000_000))
MEMBER = "qs-county"
MAPPINGS: dict[Format, tuple[str, ...]] = {
    "rows": ("township-bsoft/referral",),
    "hl7v2": ("county/adt", "lab/oru-r01"),
    "xml": ("county/cda-c0053",),
    "json": ("county/nhsa/2304-settlement", "county/nhsa/2301-fees"),
}
PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": "420300196205143622"}],
    "name": [{"text": "测试"}],
    "birthDate": "1962-05-14",
}
ENTRY = {"request": {"method": "POST", "url": "Patient"}, "resource": PATIENT}
BODIES = [
    codec.encode(PATIENT),
    codec.encode({"resourceType": "Bundle", "type": "transaction", "entry": [ENTRY, ENTRY]}),
]
QUERIES = [
    b"name=x&birthdate=ge2020-01-01&_sort=-birthdate&_count=3&_include=Patient:organization",
    b"identifier=urn:oid:1|2&_has:Observation:patient:code=x&organization.name:contains=y",
    b"_id=a,b&_lastUpdated=lt2021&_elements=name&_total=accurate&_summary=count&name:exact=z",
]


@pytest.fixture(scope="module")
def consortium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consortium]:
    print(f"FUZZ_SEED={SEED} FUZZ_SECONDS={SECONDS}")
    folder: Path = tmp_path_factory.mktemp("fuzz")
    runtime = build_runtime(load_settings({}, data_dir=folder))
    found_consortium(runtime)
    for format_, mappings in MAPPINGS.items():
        charset = GOOD[format_][1] if format_ == "rows" else None
        runtime.store.registry.add_channel(
            Channel(format_, 1, MEMBER, format_, mappings, charset, "Asia/Shanghai")
        )
    yield Consortium(runtime)
    runtime.close()


def mutants(seeds: list[bytes]) -> Iterator[bytes]:
    """Change the seeds, a few places at a time, until the time is over."""
    chance = random.Random(SEED)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        yield mutate(chance.choice(seeds), seeds, chance)


@pytest.mark.parametrize("format_", tuple(MAPPINGS))
def test_the_intake_answers_every_mutant(consortium: Consortium, format_: Format) -> None:
    name, _ = GOOD[format_]
    seeds = [record(name)] + ([record("lab.hl7")] if format_ == "hl7v2" else [])
    client = consortium.app.test_client()
    token = consortium.client(MEMBER).token
    for body in mutants(seeds):
        answer = client.post(
            f"/intake/{format_}?wait=true", data=body, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code < 500, body.hex()
        records = answer.get_json().get("records", ())
        numbers = {one["error"]["number"] for one in records if "error" in one}
        assert "GW-1900" not in numbers, body.hex()


def test_the_mllp_listener_answers_every_mutant(consortium: Consortium) -> None:
    runtime = consortium.runtime
    channel = runtime.store.registry.channel("hl7v2")
    take = receiver(runtime.pipeline, channel, runtime.clock)
    for stream in mutants([b"\x0b" + record("admission.hl7") + b"\x1c\r"]):
        deframer = Deframer(50_000_000)
        for found in (*deframer.feed(stream), *deframer.close()):
            if not isinstance(found, FramingFault):
                assert take(found, "peer") is not None, found.hex()


def test_the_fhir_interface_answers_every_mutant(consortium: Consortium) -> None:
    county = consortium.client(MEMBER)
    for body in mutants(BODIES):
        for path in ("/Patient", "", "/Patient/$validate"):
            answer = county.ask(
                "POST", path, data=body, headers={"Content-Type": "application/fhir+json"}
            )
            assert answer.status_code < 500, (path, body.hex())


def test_the_search_answers_every_mutant(consortium: Consortium) -> None:
    county = consortium.client(MEMBER)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in mutants(QUERIES):
        answer = county.ask("POST", "/Patient/_search", data=body, headers=form)
        assert answer.status_code < 500, body.hex()
