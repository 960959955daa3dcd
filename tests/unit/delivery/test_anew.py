"""What happens anew is told anew; what is written again without a change is not."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.interactions import Request
from gateway.records import Event, MapContext, Notice, Principal, Reaction, Reading, Resource
from gateway.settings import load_settings
from gateway.store import Member, Tenant
from gateway.wiring import Runtime, build_runtime

MEMBER = "qs-county"


def activated(events: Sequence[Event], _reading: Reading, _context: MapContext) -> Reaction:
    """React as the domain does: tell of what became active, under a key without a version."""
    notices = []
    for event in events:
        before = event.previous["status"] if event.previous else None
        if event.resource["status"] == "active" and before != "active":
            focus = f"{event.resource['resourceType']}/{event.resource['id']}"
            notices.append(Notice(MEMBER, "claim-received", focus, focus, f"received/{focus}"))
    return Reaction(notices=tuple(notices))


@pytest.fixture
def runtime(tmp_path: Path, sqlite_template: Path) -> Iterator[Runtime]:
    (tmp_path / "none").mkdir()
    settings = load_settings({}, data_dir=tmp_path, mappings=str(tmp_path / "none"))
    one = build_runtime(settings)
    one.pipeline.preparer.reactors = (activated,)
    one.store.registry.add_tenant(Tenant("qingshan", "青山县医共体", 1))
    one.store.registry.add_member(Member(1, MEMBER, MEMBER, ("hospital",)))
    yield one
    one.close()


def write(runtime: Runtime, resource: Resource) -> Resource:
    """Create, or update what has an id."""
    sight = replace(runtime.access.viewer(1, MEMBER), sees_all=True)
    who = Principal("c", MEMBER, frozenset({"hospital"}), ("system/*.cruds",), sight)
    if "id" in resource:
        request = Request("update", "Location", resource["id"], resource)
    else:
        request = Request("create", "Location", None, resource)
    stored = runtime.pipeline.write(who, [request])[0].stored
    assert stored is not None
    return resource | {"id": stored.id}


def test_a_second_activation_is_a_notice_of_its_own(runtime: Runtime) -> None:
    place = write(runtime, {"resourceType": "Location", "status": "active"})
    for change in ({}, {"name": "三病区"}, {"status": "suspended"}, {}):
        write(runtime, place | change)
    key = f"received/Location/{place['id']}"
    keys = [one.idempotency_key for one in runtime.store.outbox.search(1)]
    assert keys == [f"{key}/4", f"{key}/1"]
