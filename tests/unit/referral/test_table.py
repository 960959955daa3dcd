"""The state table as data: it is whole, and what is made from it is what it says."""

import json
from collections import Counter
from pathlib import Path

import pytest

from gateway.referral import steps_of_type
from gateway.referral.table import (
    KINDS,
    LIMITS,
    ORDER,
    REASONS,
    STEPS,
    allowed,
    final_states,
    states_of,
)
from scripts.referral_pages import code_systems, states_page

ROOT = Path(__file__).parents[3]
TASK_STATUSES = {
    "draft",
    "requested",
    "received",
    "accepted",
    "rejected",
    "ready",
    "cancelled",
    "in-progress",
    "on-hold",
    "failed",
    "completed",
    "entered-in-error",
}


def test_one_move_is_one_event_and_one_event_one_move() -> None:
    moves = Counter((one.kind, state, one.after) for one in STEPS for state in one.before)
    events = Counter((one.kind, state, one.event) for one in STEPS for state in one.before)
    assert {key for key, count in (moves + Counter()).items() if count > 1} == set()
    assert {key for key, count in events.items() if count > 1} == set()


@pytest.mark.parametrize("kind", [ORDER, *KINDS])
def test_every_state_is_reached_and_every_way_ends(kind: str) -> None:
    reached: set[str | None] = {None}
    for _ in states_of(kind):
        reached |= {one.after for one in STEPS if one.kind == kind and reached & set(one.before)}
    assert reached - {None} == set(states_of(kind))
    assert final_states(kind)
    if kind != ORDER:
        assert set(states_of(kind)) <= TASK_STATUSES


def test_reasons_and_limits_speak_of_steps_that_there_are() -> None:
    assert {one.reasons for one in STEPS if one.reasons} == set(REASONS)
    for limit in LIMITS:
        assert set(limit.states) <= set(states_of(limit.kind)) - final_states(limit.kind)


def test_what_is_allowed_is_said_in_both_languages_with_who() -> None:
    zh, en = allowed("fulfil-referral", "requested")
    assert "同意接收→accepted：接收方（owner）" in zh
    assert "Accept (accepted) by the owner" in en
    assert allowed("fulfil-referral", "rejected") == ("无，已经结束", "nothing, it has ended")


def test_page_and_code_systems_are_what_the_table_says() -> None:
    assert (ROOT / "docs/referral-states.md").read_text(encoding="utf-8") == states_page()
    for id_, system in code_systems().items():
        path = ROOT / f"profiles/CodeSystem-{id_}.json"
        assert json.loads(path.read_text(encoding="utf-8")) == system


def test_the_capability_statement_can_tell_every_step() -> None:
    said = steps_of_type("Task") + steps_of_type("ServiceRequest")
    assert all(f"{one.event}: " in said for one in STEPS)
    assert steps_of_type("Patient") == ""
