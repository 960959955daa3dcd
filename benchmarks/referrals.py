"""Referrals as a county runs them: the inbox, one way's page, and a whole way from draft to close.

In one process through the web application, without a network: what is told is the CPU time of the
server's side, and the median of the answers. The store is filled first with referrals that wait.

python -m benchmarks.referrals [REFERRALS]
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from benchmarks.asked import numbers
from benchmarks.storage import MEMBERS, principal, runtime
from gateway.app import create_app
from gateway.fhir.systems import REFERRAL_DIRECTION, REFERRAL_TYPE, SERVICE_CATEGORY
from gateway.interactions import Request
from gateway.records import Resource
from gateway.referral import fulfil_task
from gateway.store import Client
from gateway.wiring import Runtime

WAITING, ROUNDS, WHOLE = 5_000, 100, 20
SENDER, RECEIVER = MEMBERS
LIMITS = {"inbox": 10.0, "timeline": 20.0, "whole": 150.0}


def order(number: int, status: str) -> Resource:
    """Make a slip of the township for the county hospital."""

    def concept(system: str, code: str) -> Resource:
        return {"coding": [{"system": system, "code": code}]}

    return {
        "resourceType": "ServiceRequest",
        "identifier": [{"system": "urn:bench:referral-no", "value": f"ZZ{number:08}"}],
        "status": status,
        "intent": "order",
        "category": [concept(SERVICE_CATEGORY, "referral"), concept(REFERRAL_DIRECTION, "up")],
        "code": concept(REFERRAL_TYPE, "inpatient"),
        "subject": {"reference": "Patient/bench"},
        "authoredOn": "2026-11-02T10:20:00+08:00",
        "requester": {"reference": f"Organization/org-{SENDER}"},
        "performer": [{"reference": f"Organization/org-{RECEIVER}"}],
    }


def fill(built: Runtime, count: int) -> str:
    """Write patients and referrals; most were answered long ago, every tenth waits."""
    patient = {"resourceType": "Patient", "gender": "female"}
    [made] = built.pipeline.write(principal(), [Request("create", "Patient", resource=patient)])
    assert made.stored is not None
    subject = f"Patient/{made.stored.id}"
    for start in range(0, count, 50):
        requests = []
        for number in range(start, min(start + 50, count)):
            name = f"urn:uuid:order-{number}"
            slip = order(number, "active") | {"subject": {"reference": subject}}
            task = fulfil_task(slip | {"id": "x"}, slip["performer"][0], "2026-11-02T02:20:00Z")
            task |= {"focus": {"reference": name}}
            task |= {"status": "requested" if number % 10 == 0 else "draft"}
            requests.append(Request("create", "ServiceRequest", resource=slip, full_url=name))
            requests.append(Request("create", "Task", resource=task))
        built.pipeline.write(principal(), requests)
    return subject


def timed(act: Callable[[], Any], rounds: int) -> float:
    """Give the median CPU time of an act in milliseconds."""
    spent = []
    for _ in range(rounds):
        begun = time.process_time()
        act()
        spent.append((time.process_time() - begun) * 1000)
    return statistics.median(spent)


class County:
    """The application with a client for each side."""

    def __init__(self, built: Runtime) -> None:
        """Register the clients."""
        self.web: FlaskClient = create_app(built).test_client()
        self.tokens = {}
        for member in MEMBERS:
            built.store.registry.add_client(
                Client(member, member, member, (1,), ("system/*.cruds",))
            )
            self.tokens[member] = built.access.issue(member, "")

    def ask(self, member: str, method: str, path: str, body: Any = None) -> Any:
        """Send one request; anything but success ends the benchmark."""
        headers = {"Authorization": f"Bearer {self.tokens[member]}"}
        answer = self.web.open(f"/fhir{path}", method=method, json=body, headers=headers)
        if answer.status_code >= 300:
            raise SystemExit(answer.get_data(as_text=True))
        return answer.get_json()

    def whole(self, number: int, subject: str) -> str:
        """Take one referral its whole way; give its address."""
        slip = order(number, "draft") | {"subject": {"reference": subject}}
        up = f"/ServiceRequest/{self.ask(SENDER, 'POST', '/ServiceRequest', slip)['id']}"
        self.ask(SENDER, "POST", f"{up}/$send")
        for step in ("accept", "arrive", "complete"):
            self.ask(RECEIVER, "POST", f"{up}/${step}")
        found = self.ask(RECEIVER, "GET", f"/ServiceRequest?based-on={up[1:]}")
        down = f"/ServiceRequest/{found['entry'][0]['resource']['id']}"
        self.ask(RECEIVER, "POST", f"{down}/$send")
        for step in ("accept", "complete"):
            self.ask(SENDER, "POST", f"{down}/${step}")
        return up


def main(count: int = WAITING) -> None:
    """Print the three figures beside what they may be."""
    with tempfile.TemporaryDirectory() as folder, runtime(Path(folder), "") as built:
        subject, county = fill(built, count), County(built)
        inbox = f"/Task?owner=Organization/org-{RECEIVER}&status=requested,received&_count=20"
        inbox += "&_total=none"
        numbers = iter(range(count, count + WHOLE + 1))
        up = county.whole(next(numbers), subject)
        figures = {
            "inbox": timed(lambda: county.ask(RECEIVER, "GET", inbox), ROUNDS),
            "timeline": timed(lambda: county.ask(SENDER, "GET", f"{up}/$timeline"), ROUNDS),
            "whole": timed(lambda: county.whole(next(numbers), subject), WHOLE),
        }
        print(f"referrals: {count:,} in the store, {count // 10:,} waiting; median CPU ms")
        for name, spent in figures.items():
            limit = LIMITS[name]
            print(f"  {name:<9} {spent:7.1f}   at most {limit:5.0f}   {spent / limit:.2f} of it")


if __name__ == "__main__":
    main(*numbers("referrals", __doc__)[0])
