"""Subscriptions end to end: written by a member, handshaken, told in order, ended."""

import ipaddress
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.activation import Activation
from gateway.delivery import AddressGuard, Backoff, Dispatcher, Sender
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.interactions import Request
from gateway.outlets import Outlets
from gateway.records import Commit, Principal, Relation, Resource, Visibility
from gateway.settings import load_settings
from gateway.store import Member, Tenant
from gateway.wiring import Runtime, build_runtime
from gateway.worker import Worker
from tests.support.peer import Peer, serve
from tests.unit.delivery.test_worker import Clock

GUIDE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
DISCHARGE = "https://consortium-fhir.cn/SubscriptionTopic/discharge"
COUNTY, CITY = "qs-county", "lj-city"


class Site:
    """A gateway with one worker whose clock the test moves."""

    def __init__(self, runtime: Runtime, clock: Clock) -> None:
        """Wire the worker as ``gateway.running`` does, allowed to call this machine."""
        self.runtime, self.clock = runtime, clock
        guard = AddressGuard([ipaddress.ip_network("127.0.0.0/8")])
        self.sender = Sender(guard, "https://gateway.test/fhir", clock, timeouts_s=(1.0, 0.3))
        outlets = Outlets(runtime.store, self.sender, b"secret", runtime.access.viewer, clock)
        self.activation = Activation(
            runtime.store,
            outlets,
            self.sender,
            lambda principal, request: (runtime.pipeline.write(principal, [request]), None)[1],
            clock,
        )
        outlets.told = self.activation.told
        self.worker = Worker(
            runtime.store,
            Dispatcher(runtime.store.outbox, outlets, Backoff(lambda: 0.5), clock),
            now=clock,
            recover=lambda: 0,
            maintain=lambda: None,
            chores=(self.activation,),
        )

    def principal(self, member: str) -> Principal:
        sight = self.runtime.access.viewer(1, member)
        return Principal("c", member, frozenset({"hospital"}), ("system/*.cruds",), sight)

    def write(self, member: str, resource: Resource) -> Resource:
        """Create, or update what has an id."""
        method = "update" if "id" in resource else "create"
        request = Request(method, resource["resourceType"], resource.get("id"), resource)  # type: ignore[arg-type]
        written = self.runtime.pipeline.write(self.principal(member), [request])[0].stored
        assert written is not None
        decoded: Resource = codec.decode_stored(written.body)
        return decoded

    def status(self, id_: str) -> tuple[str, str | None]:
        everything = Visibility(1, "", sees_all=True)
        stored = self.runtime.store.read(everything, "Subscription", id_)
        assert stored is not None
        resource = codec.decode_stored(stored.body)
        return resource["status"], resource.get("error")

    def look_after(self, id_: str, wanted: str) -> None:
        """Let time pass until the Subscription has a status."""
        for _ in range(200):
            self.clock.now += timedelta(seconds=3)
            self.activation.round(1)
            time.sleep(0.02)
            if self.status(id_)[0] == wanted:
                return
        raise AssertionError(self.status(id_))

    def drain(self) -> None:
        self.clock.now += timedelta(seconds=2)
        while self.worker.deliver(1):
            pass


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    folder: Path = tmp_path_factory.mktemp("site")
    (folder / "none").mkdir()
    settings = load_settings({}, data_dir=folder, mappings=str(folder / "none"))
    one = build_runtime(settings)
    one.store.registry.add_tenant(Tenant("qingshan", "青山县医共体", 1))
    for member in (COUNTY, CITY):
        one.store.registry.add_member(Member(1, member, member, ("hospital",)))
    yield one
    one.close()


@pytest.fixture
def site(runtime: Runtime) -> Iterator[Site]:
    one = Site(runtime, Clock())
    yield one
    one.worker.close()
    everything = Visibility(1, "", sees_all=True)
    query = runtime.store.query(1, ("Subscription",), ())
    for left in runtime.store.search(everything, query).matches:
        request = Request("delete", "Subscription", left.id)
        runtime.pipeline.write(one.principal(left.owner), [request])
    one.drain()


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serve(Peer()) as one:
        yield one


def encounter(status: str = "in-progress", **more: Any) -> Resource:
    kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
    return {"resourceType": "Encounter", "status": status, "class": kind} | more


def wanted(peer: Peer, criteria: str = "Encounter?class=IMP", **channel: Any) -> Resource:
    way = {"type": "rest-hook", "endpoint": peer.url + "/hook"} | channel
    return {
        "resourceType": "Subscription", "status": "requested", "reason": "to know",
        "criteria": criteria, "channel": way,
    }  # fmt: skip


def on_topic(peer: Peer, content: str = "id-only", **channel: Any) -> Resource:
    said = {"extension": [{"url": f"{GUIDE}/backport-payload-content", "valueCode": content}]}
    return wanted(peer, DISCHARGE, payload="application/fhir+json", _payload=said, **channel)


def parameters(body: bytes) -> dict[str, Any]:
    first = codec.decode(body)["entry"][0]["resource"]
    return {
        one["name"]: next((value for key, value in one.items() if key != "name"), None)
        for one in first["parameter"]
    }


def test_a_change_that_meets_the_criteria_arrives_as_the_record_with_the_headers(
    site: Site, peer: Peer
) -> None:
    channel: dict[str, Any] = {
        "payload": "application/fhir+json",
        "header": ["Authorization: Bearer hook"],
    }
    subscription = site.write(COUNTY, wanted(peer, **channel))
    assert subscription["status"] == "requested"
    site.look_after(subscription["id"], "active")
    written = site.write(COUNTY, encounter())
    site.write(COUNTY, encounter() | {"class": {"code": "AMB"}})
    site.drain()
    (one,) = peer.received
    assert one.path == f"/hook/Encounter/{written['id']}"
    assert one.headers["Authorization"] == "Bearer hook"
    assert codec.decode(one.body)["status"] == "in-progress"


def test_without_a_payload_the_receiver_is_only_called(site: Site, peer: Peer) -> None:
    subscription = site.write(COUNTY, wanted(peer))
    site.look_after(subscription["id"], "active")
    site.write(COUNTY, encounter())
    site.drain()
    assert [(one.path, one.body) for one in peer.received] == [("/hook", b"")]


def test_what_the_subscriber_may_not_see_is_not_told(site: Site, peer: Peer) -> None:
    subscription = site.write(CITY, wanted(peer))
    site.look_after(subscription["id"], "active")
    patient = site.write(COUNTY, {"resourceType": "Patient", "active": True})
    subject: dict[str, Any] = {"subject": {"reference": f"Patient/{patient['id']}"}}
    site.write(COUNTY, encounter(**subject))
    site.drain()
    assert peer.received == []
    stored = site.runtime.store.read(
        site.runtime.access.viewer(1, COUNTY), "Patient", patient["id"]
    )
    assert stored is not None
    assert stored.person is not None
    grant = Relation(stored.person, CITY, COUNTY, 2, "test", site.clock() - timedelta(days=1))
    site.runtime.store.commit(Commit(1, (), relations=(grant,)))
    site.write(COUNTY, encounter(**subject))
    site.drain()
    assert len(peer.received) == 1
    assert site.runtime.store.outbox.last_number(1, f"Subscription/{subscription['id']}") == 1


def test_a_topic_begins_with_a_handshake_and_tells_its_events_by_number(
    site: Site, peer: Peer
) -> None:
    subscription = site.write(COUNTY, on_topic(peer))
    site.look_after(subscription["id"], "active")
    assert parameters(peer.received[0].body)["type"] == "handshake"
    stay = site.write(COUNTY, encounter())
    site.write(COUNTY, stay | {"status": "finished"})
    site.write(COUNTY, stay | {"status": "finished", "language": "zh"})
    site.drain()
    (event,) = peer.received[1:]
    said = parameters(event.body)
    assert (said["type"], said["topic"]) == ("event-notification", DISCHARGE)
    assert said["events-since-subscription-start"] == "1"
    assert codec.decode(event.body)["entry"][1]["fullUrl"].endswith(f"/Encounter/{stay['id']}")


def test_of_several_workers_one_shakes_hands_and_another_when_it_is_gone(
    runtime: Runtime, site: Site, peer: Peer
) -> None:
    other = Site(runtime, site.clock)
    subscription = site.write(COUNTY, on_topic(peer))
    for _ in range(20):
        site.clock.now += timedelta(seconds=3)
        for one in (site, other):
            one.activation.round(1)
        time.sleep(0.02)
    assert site.status(subscription["id"])[0] == "active"
    assert [parameters(one.body)["type"] for one in peer.received] == ["handshake"]
    site.activation.close()
    following = site.write(COUNTY, on_topic(peer))
    other.look_after(following["id"], "active")
    other.worker.close()


def test_full_content_carries_the_record_and_empty_content_not_even_its_address(
    site: Site, peer: Peer
) -> None:
    for content in ("full-resource", "empty"):
        subscription = site.write(COUNTY, on_topic(peer, content))
        site.look_after(subscription["id"], "active")
    stay = site.write(COUNTY, encounter("finished"))
    site.drain()
    full, empty = sorted(
        (one.body for one in peer.received if parameters(one.body)["type"] != "handshake"),
        key=len,
        reverse=True,
    )
    assert codec.decode(full)["entry"][1]["resource"]["id"] == stay["id"]
    assert stay["id"].encode() not in empty


def test_what_waited_for_a_receiver_goes_out_together(site: Site, peer: Peer) -> None:
    subscription = site.write(COUNTY, on_topic(peer))
    site.look_after(subscription["id"], "active")
    for _ in range(12):
        site.write(COUNTY, encounter("finished"))
    site.drain()
    counts = [parameters(one.body)["events-since-subscription-start"] for one in peer.received]
    assert counts == ["0", "10", "12"]


def test_a_quiet_subscription_with_a_heartbeat_is_heard(site: Site, peer: Peer) -> None:
    beat = [{"url": f"{GUIDE}/backport-heartbeat-period", "valueUnsignedInt": 30}]
    subscription = site.write(COUNTY, on_topic(peer, extension=beat))
    site.look_after(subscription["id"], "active")
    for _ in range(20):
        site.clock.now += timedelta(seconds=31)
        site.activation.round(1)
        time.sleep(0.02)
    assert parameters(peer.received[-1].body)["type"] == "heartbeat"


def test_a_receiver_that_fails_shows_in_the_status_and_recovers(site: Site, peer: Peer) -> None:
    subscription = site.write(COUNTY, wanted(peer))
    site.look_after(subscription["id"], "active")
    peer.script = [500, 200]
    site.write(COUNTY, encounter())
    site.drain()
    status, error = site.status(subscription["id"])
    assert status == "error"
    assert "500" in (error or "")
    site.clock.now += timedelta(minutes=1)
    site.drain()
    assert site.status(subscription["id"]) == ("active", None)


def test_a_receiver_that_refuses_ends_the_subscription_until_it_is_asked_for_anew(
    site: Site, peer: Peer
) -> None:
    subscription = site.write(COUNTY, wanted(peer))
    site.look_after(subscription["id"], "active")
    peer.script = [410, 200]
    site.write(COUNTY, encounter())
    site.drain()
    assert site.status(subscription["id"])[0] == "off"
    site.write(COUNTY, subscription | {"status": "requested"})
    site.look_after(subscription["id"], "active")
    site.drain()
    first, second = peer.received
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


def test_an_end_that_has_passed_ends_it(site: Site, peer: Peer) -> None:
    end = {"end": "2026-01-01T00:00:00Z"}
    subscription = site.write(COUNTY, wanted(peer) | end)
    site.look_after(subscription["id"], "off")


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"criteria": "Nothing?a=b"}, "GW-6301"),
        ({"criteria": "Encounter?no-such=b"}, "GW-7101"),
        ({"criteria": "Encounter?patient.name=b"}, "GW-6303"),
        ({"criteria": "https://example.org/topic"}, "GW-6302"),
        ({"status": "active"}, "GW-6304"),
        ({"channel": {"type": "email", "endpoint": "mailto:a@example.org"}}, "GW-6301"),
        ({"channel": {"type": "rest-hook"}}, "GW-6301"),
        (
            {
                "channel": {
                    "type": "rest-hook", "endpoint": "http://a.example", "header": ["Host: b"],
                }
            },
            "GW-6301",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_watched_is_refused_when_it_is_written(
    site: Site, peer: Peer, change: Resource, number: str
) -> None:
    with pytest.raises(GatewayError) as refused:
        site.write(COUNTY, wanted(peer) | change)
    assert refused.value.number == number


def test_an_inside_address_never_becomes_active(runtime: Runtime, site: Site) -> None:
    inside = Peer(url="http://10.0.0.1")
    subscription = site.write(COUNTY, wanted(inside))
    site.look_after(subscription["id"], "error")
    assert "GW-6102" in (site.status(subscription["id"])[1] or "")
