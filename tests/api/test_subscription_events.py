"""``$status`` and ``$events``: how a Subscription does, and what its receiver missed."""

import itertools
from typing import Any

import pytest

from gateway.fhir import codec
from gateway.records import Resource
from tests.support.consortium import Browser, Consortium

GUIDE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
DISCHARGE = "https://consortium-fhir.cn/SubscriptionTopic/discharge"
NUMBERS = itertools.count()


def subscribe(browser: Browser, content: str = "id-only", **more: Any) -> str:
    said = {"extension": [{"url": f"{GUIDE}/backport-payload-content", "valueCode": content}]}
    way = {
        "type": "rest-hook",
        "endpoint": f"https://his.example.org/{next(NUMBERS)}",
        "payload": "application/fhir+json",
        "_payload": said,
    }
    answer = browser.post(
        "/Subscription",
        {
            "resourceType": "Subscription",
            "status": "requested",
            "reason": "discharges",
            "criteria": DISCHARGE,
            "channel": way,
        }
        | more,
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])  # type: ignore[index]


def discharge(browser: Browser) -> str:
    answer = browser.post(
        "/Encounter",
        {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                "code": "IMP",
            },
        },
    )
    assert answer.status_code == 201, answer.text
    return f"Encounter/{answer.json['id']}"  # type: ignore[index]


def said(parameters: Resource) -> dict[str, Any]:
    """Give the parameters by name; of events only how many there are."""
    found: dict[str, Any] = {"events": 0}
    for one in parameters["parameter"]:
        if one["name"] == "notification-event":
            found["events"] += 1
        else:
            found[one["name"]] = next(value for key, value in one.items() if key != "name")
    return found


def events(browser: Browser, id_: str, query: str = "") -> tuple[dict[str, Any], list[Any]]:
    answer = browser.get(f"/Subscription/{id_}/$events{query}")
    assert answer.status_code == 200, answer.text
    bundle = codec.decode(answer.data)
    return said(bundle["entry"][0]["resource"]), bundle["entry"][1:]


def test_what_waits_for_a_receiver_that_was_never_reached_is_counted_and_caught_up(
    county: Browser,
) -> None:
    id_ = subscribe(county)
    stays = [discharge(county) for _ in range(3)]
    status = county.get(f"/Subscription/{id_}/$status")
    (entry,) = codec.decode(status.data)["entry"]
    told = said(entry["resource"])
    assert (told["type"], told["status"], told["topic"]) == ("query-status", "requested", DISCHARGE)
    assert told["events-since-subscription-start"] == "3"
    told, entries = events(county, id_)
    assert (told["type"], told["events"]) == ("query-event", 3)
    addresses = [one["fullUrl"].split("/fhir/")[1] for one in entries]
    assert addresses == stays


def test_events_are_asked_for_by_their_numbers_and_in_the_content_that_is_wanted(
    county: Browser,
) -> None:
    id_ = subscribe(county, "empty")
    stays = [discharge(county) for _ in range(4)]
    assert events(county, id_)[1] == []
    between = "?eventsSinceNumber=2&eventsUntilNumber=3&content=full-resource"
    told, entries = events(county, id_, between)
    assert told["events"] == 2
    assert [f"Encounter/{one['resource']['id']}" for one in entries] == stays[1:3]
    assert events(county, id_, "?eventsSinceNumber=9")[0]["events"] == 0


def test_an_event_whose_record_may_no_longer_be_read_is_left_out(county: Browser) -> None:
    id_ = subscribe(county)
    first, second = discharge(county), discharge(county)
    assert events(county, id_)[0]["events"] == 2
    assert county.ask("DELETE", f"/{first}").status_code in {200, 204}
    _, entries = events(county, id_)
    assert [one["fullUrl"].split("/fhir/")[1] for one in entries] == [second]


@pytest.mark.parametrize("operation", ["$status", "$events"])
def test_the_subscription_of_another_member_is_absent(
    county: Browser, city: Browser, operation: str
) -> None:
    id_ = subscribe(county)
    assert city.get(f"/Subscription/{id_}/{operation}").status_code == 404
    assert city.get("/Subscription/none/$events").status_code == 404


def test_a_type_wide_status_gives_those_that_are_asked_for_and_seen(
    county: Browser, city: Browser
) -> None:
    first, second = subscribe(county), subscribe(county, status="off")
    found = codec.decode(county.get(f"/Subscription/$status?id={first}&id={second}").data)
    assert found["total"] == 2
    off = codec.decode(county.get(f"/Subscription/$status?id={first}&id={second}&status=off").data)
    (entry,) = off["entry"]
    reference = said(entry["resource"])["subscription"]["reference"]
    assert reference.endswith(f"/Subscription/{second}")
    assert codec.decode(city.get(f"/Subscription/$status?id={first}").data)["total"] == 0


@pytest.mark.parametrize("query", ["eventsSinceNumber=x", "eventsUntilNumber=-1", "content=all"])
def test_a_bound_or_content_that_is_none_is_refused(county: Browser, query: str) -> None:
    id_ = subscribe(county)
    answer = county.get(f"/Subscription/{id_}/$events?{query}")
    assert answer.status_code == 400
    assert "GW-7020" in answer.text


def test_a_client_without_the_scope_asks_in_vain(consortium: Consortium, county: Browser) -> None:
    id_ = subscribe(county)
    narrow = consortium.client("qs-county", "system/Encounter.rs")
    assert narrow.get(f"/Subscription/{id_}/$events").status_code == 403
    assert narrow.get("/Subscription/$status").status_code == 403


def test_a_client_that_may_not_read_the_records_gets_no_events_and_takes_none_from_others(
    consortium: Consortium, county: Browser
) -> None:
    id_ = subscribe(county)
    discharge(county)
    narrow = consortium.client("qs-county", "system/Subscription.rs")
    assert events(narrow, id_)[0]["events"] == 0
    assert events(county, id_)[0]["events"] == 1


def test_the_metrics_tell_what_waits_for_each_recipient(county: Browser) -> None:
    id_ = subscribe(county)
    for _ in range(2):
        discharge(county)
    shown = county.app.test_client().get("/metrics").text
    labels = f'recipient="Subscription/{id_}",shard="1"'
    assert f'gateway_deliveries_queued{{{labels},status="waiting"}} 2.0' in shown
    assert f"gateway_deliveries_failing{{{labels}}} 0.0" in shown
    assert f"gateway_deliveries_oldest_seconds{{{labels}}}" in shown
