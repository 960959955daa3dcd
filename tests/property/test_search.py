"""Random resources and random searches against a filter that knows nothing of indexes or SQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.fhir.definitions import load
from gateway.fhir.search_query import parse_query
from gateway.records import Change, Commit, IndexRow, Visibility
from gateway.store import Store
from tests.support.databases import ENGINES, new_database

CODES = ("a", "b", "ab")
SYSTEMS = (None, "urn:s", "urn:t")
WORDS = ("lin", "lin gui", "wang", "林桂芳", "林", "a%b", "a_b")
OWNERS = ("m1", "m2")
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
DAY_US = 86_400_000_000
FIRST_DAY = 20_454  # 2026-01-01, in days since 1970


def _day(number: int) -> str:
    return f"2026-01-{number + 1:02}"


class Model:
    """One resource as the naive filter sees it."""

    def __init__(self, id_: str, owner: str, values: dict[str, Any]) -> None:
        self.id = id_
        self.owner = owner
        self.tokens: list[tuple[str | None, str]] = values["tokens"]
        self.names: list[str] = values["names"]
        self.periods: list[tuple[int, int]] = values["periods"]
        self.general: str | None = values["general"]

    def change(self) -> Change:
        rows = [
            *(IndexRow("token", "Patient.identifier", (s, c, None)) for s, c in self.tokens),
            *(IndexRow("string", "Patient.name", (name, name)) for name in self.names),
            *(
                IndexRow("date", "Patient.birthdate", (_low(first), _high(last)))
                for first, last in self.periods
            ),
        ]
        if self.general is not None:
            values = ("Patient", self.general, None)
            rows.append(IndexRow("reference", "Patient.link", values))
        return Change(
            type="Patient",
            id=self.id,
            resource={"resourceType": "Patient", "id": self.id},
            index=tuple(rows),
            owner=self.owner,
            person=None,
            classes=2,
        )


def _low(day: int) -> int:
    return (FIRST_DAY + day) * DAY_US


def _high(day: int) -> int:
    return _low(day + 1) - 1


def _in_time(prefix: str, asked: int, period: tuple[int, int]) -> bool:
    first, last = period
    inside = first == last == asked
    return {
        "eq": inside,
        "ne": not inside,
        "gt": last > asked,
        "lt": first < asked,
        "ge": last > asked or inside,
        "le": first < asked or inside,
        "sa": first > asked,
        "eb": last < asked,
    }[prefix]


Asked = tuple[str, str, Any]
"""(name of the parameter, its value, predicate of a Model within all models)."""


@st.composite
def criteria(draw: st.DrawFn) -> Asked:
    kind = draw(st.sampled_from(["token", "not", "missing", "string", "contains", "date", "link"]))
    if kind in {"token", "not"}:
        system, code = draw(st.sampled_from([*SYSTEMS, "any"])), draw(st.sampled_from(CODES))
        text = code if system == "any" else f"{system or ''}|{code}"

        def has(model: Model, _all: dict[str, Model]) -> bool:
            return any(c == code and system in {"any", s} for s, c in model.tokens)

        if kind == "token":
            return "identifier", text, has
        return "identifier:not", text, lambda model, models: not has(model, models)
    if kind == "missing":
        wanted = draw(st.booleans())
        return "name:missing", str(wanted).lower(), lambda model, _all: (not model.names) == wanted
    if kind in {"string", "contains"}:
        word = draw(st.sampled_from(WORDS))
        if kind == "string":
            return "name", word, lambda model, _all: any(n.startswith(word) for n in model.names)
        return "name:contains", word, lambda model, _all: any(word in n for n in model.names)
    if kind == "date":
        prefix, day = draw(st.sampled_from(PREFIXES)), draw(st.integers(0, 6))
        return (
            "birthdate",
            f"{prefix}{_day(day)}",
            lambda model, _all: any(_in_time(prefix, day, one) for one in model.periods),
        )
    name, value, inner = draw(criteria())
    return (
        f"link:Patient.{name}",
        value,
        lambda model, models: model.general in models and inner(models[model.general], models),
    )


models = st.lists(
    st.fixed_dictionaries(
        {
            "tokens": st.lists(
                st.tuples(st.sampled_from(SYSTEMS), st.sampled_from(CODES)), max_size=3
            ),
            "names": st.lists(st.sampled_from(WORDS), max_size=2),
            "periods": st.lists(
                st.tuples(st.integers(0, 6), st.integers(0, 6)).map(
                    lambda days: (min(days), max(days))
                ),
                max_size=2,
            ),
            "general": st.none() | st.integers(0, 5).map(lambda n: f"p{n}"),
            "owner": st.sampled_from(OWNERS),
        }
    ),
    max_size=8,
)


@pytest.fixture(scope="module", params=ENGINES)
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """One store for all examples; each example has a shard of its own."""
    folder: Path = tmp_path_factory.mktemp("search")
    if request.param == "sqlite":
        store = Store.open("sqlite:///gateway.db", data_dir=folder)
        store.upgrade()
        yield store
        store.close()
        return
    with new_database(request.getfixturevalue("postgres")) as url:
        store = Store.open(url, data_dir=folder)
        store.upgrade()
        yield store
        store.close()


_shards = iter(range(1, 1_000_000))


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,  # Chains within chains can meet a bad plan; the same examples every time.
    suppress_health_check=[HealthCheck.too_slow],
)
@given(models, st.lists(criteria(), max_size=3), st.booleans(), st.integers(1, 4))
def test_a_search_finds_what_a_plain_filter_finds(
    shared: Store, contents: list[dict[str, Any]], asked: list[Asked], sees_all: bool, count: int
) -> None:
    shard = next(_shards)
    known = {
        f"p{number}": Model(f"p{number}", values["owner"], values)
        for number, values in enumerate(contents)
    }
    # An earlier state leaves index rows of superseded versions behind.
    earlier = [Model(id_, "m1", contents[0]).change() for id_ in known]
    if known:
        shared.commit(Commit(shard, tuple(earlier)))
        shared.commit(Commit(shard, tuple(model.change() for model in known.values())))
    shared.analyze()
    visible = {i: m for i, m in known.items() if sees_all or m.owner == "m1"}
    expected = {
        id_
        for id_, model in visible.items()
        if all(predicate(model, visible) for _, _, predicate in asked)
    }
    visibility = Visibility(shard, "m1", sees_all=sees_all)
    pairs = [(name, value) for name, value, _ in asked]
    query = parse_query(load(), ("Patient",), [*pairs, ("_count", str(count))])
    page = shared.search(visibility, query)
    found = [one.id for one in page.matches]
    assert page.total in {None, len(expected)}
    while page.next is not None:
        page = shared.search(visibility, query, page.next)
        found += [one.id for one in page.matches]
    assert sorted(found) == sorted(expected)
