"""A write that came between is noticed at commit: the later one starts again, or fails."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gateway.contention import MOST, Attempts
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.interactions import Request
from gateway.pipeline import Pipeline
from gateway.records import Commit, Principal, Resource, Stored
from gateway.settings import load_settings
from gateway.store import Store
from gateway.wiring import Runtime, build_runtime
from tests.support.consortium import found_consortium


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    built = build_runtime(load_settings({}, data_dir=tmp_path, database=database_url))
    found_consortium(built)
    yield built
    built.close()


class Overtaken(Store):
    """A store where, just before a commit, somebody else's write is done first."""

    def __init__(self, store: Store, first: list[Callable[[], object]]) -> None:
        self.__dict__ = store.__dict__
        self.first = first

    def commit(self, commit: Commit) -> tuple[Stored, ...]:
        if self.first:
            self.first.pop()()
        return super().commit(commit)


def _principal(runtime: Runtime) -> Principal:
    return runtime.access.principal(runtime.access.issue("operator"))


def _write(pipeline: Pipeline, principal: Principal, request: Request) -> Resource:
    stored = pipeline.write(principal, [request])[0].stored
    assert stored is not None
    body: Resource = codec.decode_stored(stored.body)
    return body


def _append(line: str) -> Callable[[Resource], Resource]:
    return lambda now: now | {"address": [*now.get("address", ()), {"text": line}]}


def _overtaken(runtime: Runtime, principal: Principal, id_: str, times: int) -> Pipeline:
    def other(number: int) -> None:
        change = _append(f"other {number}")
        _write(runtime.pipeline, principal, Request("patch", "Patient", id_, change=change))

    first: list[Callable[[], object]] = [partial(other, number) for number in range(times)]
    return replace(runtime.pipeline, store=Overtaken(runtime.store, first))


def test_a_patch_that_was_overtaken_starts_again_and_both_stand(runtime: Runtime) -> None:
    principal = _principal(runtime)
    made = _write(
        runtime.pipeline, principal, Request("create", "Patient", None, {"resourceType": "Patient"})
    )
    pipeline = _overtaken(runtime, principal, made["id"], 12)
    late = Request("patch", "Patient", made["id"], change=_append("ours"))
    told = _write(pipeline, principal, late)
    others = [f"other {number}" for number in reversed(range(12))]
    assert [line["text"] for line in told["address"]] == [*others, "ours"]
    assert told["meta"]["versionId"] == "14"


def test_an_update_under_a_version_that_was_overtaken_fails(runtime: Runtime) -> None:
    principal = _principal(runtime)
    made = _write(
        runtime.pipeline, principal, Request("create", "Patient", None, {"resourceType": "Patient"})
    )
    pipeline = _overtaken(runtime, principal, made["id"], 1)
    content = {"resourceType": "Patient", "id": made["id"], "gender": "male"}
    guarded = Request("update", "Patient", made["id"], content, if_match=("1",))
    with pytest.raises(GatewayError) as refusal:
        pipeline.write(principal, [guarded])
    assert refusal.value.http in {409, 412}
    stands = runtime.store.read(principal.visibility, "Patient", made["id"])
    assert stands is not None
    assert stands.version == 2
    assert b"gender" not in stands.body


def test_what_was_overtaken_is_tried_until_its_time_is_over_and_a_race_some_times() -> None:
    overtaken = GatewayError("GW-5001", focus="Patient/x", found=2, expected=1)
    race = GatewayError("GW-5002", what="Patient")
    assert not Attempts(0).again(overtaken)
    attempts = Attempts(60)
    assert all(attempts.again(overtaken) for _ in range(10))
    assert [attempts.again(race) for _ in range(MOST)] == [True] * (MOST - 1) + [False]
    # A conflict that no other write made stays one.
    assert not Attempts().again(GatewayError("GW-6210", count=2))
