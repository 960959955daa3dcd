"""Notices to peers that answer, refuse, hang, redirect or break off."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fhir.resources.R4B.bundle import Bundle

from gateway.delivery import AddressGuard, Delivered, Failed, Sender, notification, verify
from gateway.delivery.signing import HEADER
from gateway.fhir import codec
from gateway.store import Delivery
from tests.support.peer import Peer, serve

NOW = datetime(2026, 11, 10, 8, 0, tzinfo=UTC)
LOOPBACK = AddressGuard([ipaddress.ip_network("127.0.0.0/8")])
SECRET = b"secret of the endpoint"
FHIR = "https://gateway.test/fhir"


def notice(number: int = 1) -> Delivery:
    return Delivery(
        shard=1,
        pk=number,
        recipient="qs-county",
        topic="referral-received",
        focus="ServiceRequest/up-1",
        stream="ServiceRequest/up-1",
        idempotency_key=f"referral-received/ServiceRequest/up-1/{number}",
        number=number,
        status="waiting",
        attempts=1,
        next_utc=NOW,
        created_utc=NOW,
        ended_utc=None,
        last_error=None,
    )


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serve(Peer()) as one:
        yield one


@pytest.fixture
def sender() -> Iterator[Sender]:
    one = Sender(LOOPBACK, FHIR, lambda: NOW, timeouts_s=(1.0, 0.3))
    yield one
    one.close()


def failed(sender: Sender, peer: Peer) -> Failed:
    outcome = sender.send(peer.url, SECRET, notice())
    assert isinstance(outcome, Failed)
    return outcome


def test_a_notice_arrives_signed_with_its_key_and_names_the_record_only(
    sender: Sender, peer: Peer
) -> None:
    assert sender.send(f"{peer.url}/hook", SECRET, notice()) == Delivered(200)
    (received,) = peer.received
    assert received.path == "/hook"
    assert received.headers["Host"] == peer.url.removeprefix("http://")
    assert received.headers["Content-Type"] == "application/fhir+json"
    assert received.headers["Idempotency-Key"] == notice().idempotency_key
    assert verify(SECRET, received.body, received.headers[HEADER], NOW)
    assert not verify(b"another secret", received.body, received.headers[HEADER], NOW)
    assert not verify(SECRET, received.body + b" ", received.headers[HEADER], NOW)
    late = NOW + timedelta(minutes=6)
    assert not verify(SECRET, received.body, received.headers[HEADER], late)
    bundle = codec.decode(received.body)
    assert [entry.get("resource", {}).get("resourceType") for entry in bundle["entry"]] == [
        "Parameters",
        None,
    ]
    assert bundle["entry"][1]["fullUrl"] == f"{FHIR}/ServiceRequest/up-1"


def test_one_connection_serves_several_notices(sender: Sender, peer: Peer) -> None:
    for number in (1, 2, 3):
        assert isinstance(sender.send(peer.url, SECRET, notice(number)), Delivered)
    assert len(peer.received) == 3


@pytest.mark.parametrize("status", [401, 404, 408, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(sender: Sender, peer: Peer, status: int) -> None:
    peer.script = [status]
    outcome = failed(sender, peer)
    assert not outcome.is_permanent
    assert outcome.error.number == "GW-6105"


@pytest.mark.parametrize("status", [400, 410, 422])
def test_a_refusal_of_the_notice_itself_is_permanent(
    sender: Sender, peer: Peer, status: int
) -> None:
    peer.script = [status]
    outcome = failed(sender, peer)
    assert outcome.is_permanent
    assert str(status) in outcome.error.text_zh


def test_the_receivers_wish_to_wait_is_told(sender: Sender, peer: Peer) -> None:
    peer.script, peer.headers = [503], {"Retry-After": "120"}
    assert failed(sender, peer).retry_after == timedelta(minutes=2)


def test_no_redirect_is_followed(sender: Sender, peer: Peer) -> None:
    peer.script = ["redirect"]
    assert failed(sender, peer).is_permanent
    assert [one.path for one in peer.received] == ["/"]


@pytest.mark.parametrize("step", ["close", "cut", "hang"])
def test_a_broken_or_missing_answer_is_tried_again(sender: Sender, peer: Peer, step: str) -> None:
    peer.script = [step, 200]
    outcome = failed(sender, peer)
    assert not outcome.is_permanent
    assert outcome.error.number == "GW-6104"
    assert isinstance(sender.send(peer.url, SECRET, notice()), Delivered)


def test_a_peer_that_is_not_there_is_tried_again(sender: Sender) -> None:
    with serve(Peer()) as gone:
        pass
    assert failed(sender, gone).error.number == "GW-6104"


def test_a_network_that_is_not_allowed_is_never_called(peer: Peer) -> None:
    sender = Sender(AddressGuard(), FHIR, lambda: NOW)
    outcome = failed(sender, peer)
    assert outcome.error.number == "GW-6102"
    assert outcome.is_permanent
    assert peer.received == []


def test_the_connection_goes_to_the_checked_address_whatever_the_name_means_later(
    peer: Peer,
) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    guard = AddressGuard([ipaddress.ip_network("127.0.0.1/32")], resolve)
    port = peer.url.rpartition(":")[2]
    sender = Sender(guard, FHIR, lambda: NOW)
    outcome = sender.send(f"http://hospital.invalid:{port}/hook", SECRET, notice())
    assert outcome == Delivered(200)
    assert asked == ["hospital.invalid"]
    assert peer.received[0].headers["Host"] == f"hospital.invalid:{port}"
    sender.close()


def test_the_body_has_the_form_of_the_published_r4_notification() -> None:
    # The shape of the guide's example r4-notification-id-only (R5 Backport 1.1.0).
    bundle = notification(notice(7), FHIR, NOW)
    status = bundle["entry"][0]["resource"]
    guide = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
    assert bundle["meta"]["profile"] == [f"{guide}/backport-subscription-notification-r4"]
    assert status["meta"]["profile"] == [f"{guide}/backport-subscription-status-r4"]
    assert bundle["type"] == "history"
    assert [one["name"] for one in status["parameter"]] == [
        "subscription",
        "topic",
        "status",
        "type",
        "events-since-subscription-start",
        "notification-event",
    ]
    event = status["parameter"][-1]["part"]
    assert [part["name"] for part in event] == ["event-number", "timestamp", "focus"]
    assert event[0]["valueString"] == "7"
    assert bundle["entry"][0]["request"]["url"].endswith("/$status")
    for entry in bundle["entry"]:  # bdl-3 and bdl-4: a history has request and response.
        assert entry["request"]
        assert entry["response"]
    assert Bundle.model_validate_json(codec.encode(bundle)).type == "history"


def test_every_attempt_says_the_same() -> None:
    later = notification(notice(), FHIR, NOW + timedelta(hours=1))
    first = notification(notice(), FHIR, NOW)
    assert {**later, "timestamp": ""} == {**first, "timestamp": ""}
