"""Time limits pass: marked once, both sides told, in the register until the step is taken."""

from datetime import timedelta
from typing import Any

from gateway.deadlines import Deadlines
from gateway.interactions import Request
from gateway.records import Principal
from tests.api.test_referrals import act, draft, township
from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium

__all__ = ["draft", "township"]


def register(browser: Browser, name: str) -> list[dict[str, Any]]:
    path = f"/ServiceRequest/$referral-register?register={name}&_count=500"
    return [one["resource"] for one in browser.get(path).get_json().get("entry", ())]


def test_what_is_late_is_marked_once_and_stays_in_the_register_until_answered(
    consortium: Consortium, township: Browser, county: Browser, draft: str
) -> None:
    runtime = consortium.runtime
    sent = act(township, draft, "send")
    clock = {"now": runtime.clock() + timedelta(days=2)}

    def amend(principal: Principal, request: Request) -> None:
        object.__setattr__(runtime.pipeline, "now", lambda: clock["now"])
        try:
            runtime.pipeline.write(principal, [request])
        finally:
            object.__setattr__(runtime.pipeline, "now", runtime.clock)

    deadlines = Deadlines(runtime.store, amend, lambda: clock["now"])
    deadlines.round(1)
    marked = township.get(f"/Task/{sent['id']}").get_json()
    assert marked["meta"]["tag"][0]["code"] == "overdue"
    clock["now"] += timedelta(minutes=1)
    deadlines.round(1)
    again = township.get(f"/Task/{sent['id']}").get_json()
    assert again["meta"]["versionId"] == marked["meta"]["versionId"]
    told = runtime.store.outbox.search(1, focus=f"Task/{sent['id']}", limit=100)
    late = sorted(one.recipient for one in told if one.topic == "referral-overdue")
    assert late == ["qs-county", "qs-township"]
    assert sent["id"] in {one["id"] for one in register(township, "overdue")}
    act(county, draft, "accept")
    assert sent["id"] not in {one["id"] for one in register(township, "overdue")}


def test_a_client_cannot_mark_what_is_not_late(township: Browser, draft: str) -> None:
    sent = act(township, draft, "send")
    tag = {"system": "https://consortium-fhir.cn/CodeSystem/referral-mark", "code": "overdue"}
    answer = township.put(f"/Task/{sent['id']}", sent | {"meta": {"tag": [tag]}})
    assert answer.status_code == 200
    assert "tag" not in answer.get_json()["meta"]


def test_registers_hold_what_the_asker_sees_and_no_other_exists(
    township: Browser, city: Browser, draft: str
) -> None:
    act(township, draft, "send")
    id_ = draft.rpartition("/")[2]
    assert id_ in {one["id"] for one in register(township, "up")}
    assert id_ not in {one["id"] for one in register(city, "up")}
    outcome(township.get("/ServiceRequest/$referral-register?register=all"), 400, "GW-7020")
