"""Who sees what: every member × every relation to a person × every way of asking."""

from typing import Any

import pytest
from sqlalchemy import false

from gateway.access import CLINICAL, DIRECTORY, IDENTITY, policy
from gateway.store import visibility
from tests.support.access_ways import WAYS
from tests.support.access_world import SEEN, VIEWERS, Case, World
from tests.support.consortium import Consortium


@pytest.fixture(scope="module")
def world(consortium: Consortium) -> World:
    return World(consortium)


@pytest.fixture(scope="module")
def cases(world: World) -> dict[str, Case]:
    return {relation: world.play(relation) for relation in SEEN}


def _wrong(
    world: World, cases: dict[str, Case], ways: tuple[str, ...]
) -> set[tuple[str, str, str]]:
    """Give the cells whose answer is not the expected one."""
    wrong = set()
    for viewer in VIEWERS:
        due = {case.observation for relation, case in cases.items() if viewer in SEEN[relation]}
        mine = {case.observation: relation for relation, case in cases.items()}
        for way in ways:
            given = WAYS[way](world, viewer, list(cases.values())) & mine.keys()
            wrong |= {(mine[one], viewer, way) for one in given ^ due}
    return wrong


def test_the_matrix_has_thousands_of_cells() -> None:
    assert len(SEEN) * len(VIEWERS) * len(WAYS) >= 3_000


@pytest.mark.parametrize("way", WAYS)
def test_every_way_answers_everybody_as_the_relations_say(
    world: World, cases: dict[str, Case], way: str
) -> None:
    assert _wrong(world, cases, (way,)) == set()


def _no_exclusions(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(visibility, "_is_excluded", lambda *_: false())
    return "denied"


def _all_related(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(visibility, "_related", lambda *_: (visibility._R.c.shard > 0,))
    return "unrelated"


def _never_related(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(visibility, "_related", lambda *_: (visibility._R.c.shard < 0,))
    return "treating"


def _open_hot_read(monkeypatch: pytest.MonkeyPatch) -> str:
    closed = "AND NOT EXISTS (SELECT 1 FROM exclusion e"
    assert closed in visibility.HOT
    without = visibility.HOT.replace(closed, closed.replace("AND NOT", "OR"))
    monkeypatch.setattr("gateway.store.versions.HOT", without)
    return "denied"


def _sensitive_to_all(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(visibility, "SENSITIVE", 0)
    return "sensitive"


def _hospitals_see_all(monkeypatch: pytest.MonkeyPatch) -> str:
    opened = {**policy._CLASSES, "hospital": DIRECTORY | CLINICAL | IDENTITY}
    monkeypatch.setattr(policy, "_CLASSES", opened)
    return "unrelated"


@pytest.mark.parametrize(
    "mutate",
    [
        _no_exclusions,
        _all_related,
        _never_related,
        _open_hot_read,
        _sensitive_to_all,
        _hospitals_see_all,
    ],
)
def test_a_changed_rule_makes_the_matrix_fail(
    world: World,
    cases: dict[str, Case],
    monkeypatch: pytest.MonkeyPatch,
    mutate: Any,
) -> None:
    relation = mutate(monkeypatch)
    known = world.consortium.runtime.access._known
    known.clear()
    assert _wrong(world, {relation: cases[relation]}, ("read", "search by code"))
    known.clear()
