"""Random steps by random actors: no referral reaches a state that the table does not allow."""

from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.errors import GatewayError
from gateway.records import Resource
from gateway.referral import react
from gateway.referral.table import FULFIL, states_of
from gateway.referral.trail import replay
from tests.support.reading import Play
from tests.support.referral_records import (
    MEMBERS,
    composition,
    consortium,
    ref,
    referral,
    stay,
    task,
)

STATUSES = sorted(states_of(FULFIL))
REASON = {"statusReason": {"text": "无床位"}}
# Written out by hand, not taken from the table under test: who may bring a referral where.
RECEIVER_ONLY = {"received", "accepted", "rejected", "ready", "in-progress", "completed", "failed"}
SENDER_ONLY = {"cancelled", "entered-in-error"}
FINAL = {"completed", "rejected", "failed", "cancelled", "entered-in-error"}


class Referrals(RuleBasedStateMachine):
    """Sender, receiver and strangers write whatever comes to their mind."""

    @initialize()
    def send(self) -> None:
        self.play = Play(consortium(), react)
        self.play.write("qs-township", referral(), task())
        self.seen = ["requested"]
        self.drafts: set[str] = set()

    def current(self) -> Resource:
        found = self.play.reading.read("Task", "task-1")
        assert found is not None
        return found

    @rule(status=st.sampled_from(STATUSES), actor=st.sampled_from(sorted(MEMBERS.values())))
    def put(self, status: str, actor: str) -> None:
        before = self.current()["status"]
        with suppress(GatewayError):
            self.play.write(actor, self.current() | {"status": status} | REASON)
        # Acceptance and arrival may come together where the patient was there before.
        after = self.current()["status"]
        assert after == before or actor in {"qs-township", "qs-county"}
        if after == status != before:
            assert actor != "qs-county" or status not in SENDER_ONLY
            assert actor != "qs-township" or status not in RECEIVER_ONLY
            assert actor in {"qs-township", "qs-county"}

    @rule(finished=st.booleans())
    def treat(self, finished: bool) -> None:
        there = self.play.reading.read("Encounter", "enc-1")
        if there is not None and there["status"] == "finished":
            return
        told = stay(status="finished" if finished else "in-progress")
        # What a merging record leaves standing.
        kept = {"basedOn": there["basedOn"]} if there and there.get("basedOn") else {}
        self.play.write("qs-county", told | kept)

    @rule()
    def summarize(self) -> None:
        self.play.write(
            "qs-county",
            composition("dis-1", "18842-5", "pat-county", encounter=ref("Encounter/enc-1")),
        )

    @rule(order=st.sampled_from(["active", "revoked", "completed", "draft"]))
    def change_order(self, order: str) -> None:
        with suppress(GatewayError):
            self.play.write("qs-township", referral(status=order))

    @invariant()
    def only_goes_forward(self) -> None:
        if not hasattr(self, "play"):
            return
        status = self.current()["status"]
        if status != self.seen[-1]:
            assert self.seen[-1] not in FINAL, f"{self.seen[-1]} is the end, not {status}"
            self.seen.append(status)

    @invariant()
    def history_replays_to_the_same_state(self) -> None:
        if hasattr(self, "play"):
            for one in self.play.reading.resources.values():
                if one["resourceType"] == "Task":
                    assert replay(one) == one["status"]

    @invariant()
    def at_most_one_way_home(self) -> None:
        if hasattr(self, "play"):
            found = self.play.reading.find("ServiceRequest", based_on="ServiceRequest/up-1")
            assert len(found) <= 1
            if found:
                assert self.current()["status"] == "completed"


TestReferrals = Referrals.TestCase
TestReferrals.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
