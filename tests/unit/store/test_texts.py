"""Running texts, one packed row per version: in groups, over an upgrade, at their longest."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config

from gateway.errors import GatewayError
from gateway.fhir.definitions import load
from gateway.records import Change, Commit, IndexRow, Visibility
from gateway.store import Store
from gateway.store.database import Session
from gateway.store.keys import parameter_number
from gateway.store.texts import LONGEST, mark, packed, packed_again
from tests.unit.store.content import ids, indexed
from tests.unit.store.samples import ALL, SHARD, change, commit

OLD_TABLE = (
    "CREATE TABLE text_index (shard INTEGER NOT NULL, param INTEGER NOT NULL, "
    "value TEXT NOT NULL, pk BIGINT NOT NULL, PRIMARY KEY (shard, param, value, pk))"
)


def _note(id_: str, text: str) -> Change:
    return indexed("Condition", id_, note=[{"text": text}])


@contextmanager
def _busy(store: Store) -> Iterator[None]:
    """Keep the writer busy, so that what is committed meanwhile becomes one group."""
    may_end = threading.Event()

    def wait(_session: Session) -> None:
        may_end.wait()

    busy = threading.Thread(target=store.database.write, args=(wait,))
    busy.start()
    try:
        yield
    finally:
        may_end.set()
        busy.join()


def test_the_texts_of_a_refused_commit_are_not_found_those_of_its_group_are(store: Store) -> None:
    store.commit(commit(change("Patient", "taken")))
    refused: list[str] = []

    def write(number: int) -> None:
        parts = [_note(f"c{number}", "患者高血压三级")]
        if number % 2:
            parts.append(change("Patient", "taken", expected_version=0))
        try:
            store.commit(commit(*parts))
        except GatewayError as error:
            refused.append(error.number)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    with _busy(store):
        for one in writers:
            one.start()
    for one in writers:
        one.join()
    assert refused == ["GW-5001"] * 3
    assert ids(store, "Condition?_content=高血压") == ["c0", "c2", "c4"]


def test_what_was_indexed_by_terms_is_found_after_the_upgrade(store: Store) -> None:
    told = {"c1": "患者高血压三级", "c2": "糖尿病 ECG", "c3": "腹痛"}
    store.commit(commit(*(_note(id_, text) for id_, text in told.items())))
    store.commit(commit(_note("c3", "胸痛")))
    _back_to_rows(store)
    store.upgrade()
    assert ids(store, "Condition?_content=高血压") == ["c1"]
    assert ids(store, "Condition?_content=压") == ["c1"]
    assert ids(store, "Condition?_content=ecg") == ["c2"]
    assert ids(store, "Condition?_content=腹痛") == []
    assert ids(store, "Condition?_content=胸痛") == ["c3"]
    assert ids(store, "Condition?_content:missing=true") == []
    store.commit(commit(_note("c1", "高血压缓解")))
    assert ids(store, "Condition?_content=三级") == []
    assert ids(store, "Condition?_content=缓解") == ["c1"]


def _downgrade(store: Store, revision: str) -> None:
    """Undo what later releases changed of the schema."""
    with (
        as_file(files("gateway.store") / "migrations") as folder,
        store.database.upgrade_engine.connect() as connection,
    ):
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def _back_to_rows(store: Store) -> None:
    """Make the database what the first schema had: a row per term."""
    _downgrade(store, "0003")
    versions = sqlalchemy.text("SELECT pk, type, body FROM version WHERE shard = 1")
    rows: list[dict[str, object]] = []
    with store.database.upgrade_engine.begin() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        for sql in (
            ("DROP VIEW text_terms", "DROP TABLE text_fts")
            if is_sqlite
            else ("DROP TABLE text_terms",)
        ):
            connection.execute(sqlalchemy.text(sql))
        connection.execute(sqlalchemy.text(OLD_TABLE))
        before = mark(SHARD, parameter_number("Condition._content"))
        for pk, type_, body in connection.execute(versions):
            words = (packed_again(SHARD, type_, bytes(body)) or "").split()
            rows += [
                {"p": parameter_number("Condition._content"), "v": word[5:], "k": pk}
                for word in words
                if word != before
            ]
        connection.execute(sqlalchemy.text("INSERT INTO text_index VALUES (1, :p, :v, :k)"), rows)
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '0002'"))


def test_texts_of_another_shard_are_not_found_under_the_same_key(store: Store) -> None:
    here, there = _note("c1", "高血压"), _note("c1", "糖尿病")
    store.commit(Commit(SHARD, (here,)))
    store.commit(Commit(2, (there,)))
    query = store.query(2, ("Condition",), [("_content", "糖尿")])
    assert store.search(ALL, query).matches == ()
    assert len(store.search(Visibility(2, "operator", sees_all=True), query).matches) == 1


def test_what_a_member_may_not_see_is_not_found_by_its_text(store: Store) -> None:
    store.commit(commit(_note("c1", "高血压")))
    query = store.query(SHARD, ("Condition",), [("_content", "高血压")])
    assert store.search(Visibility(SHARD, "qs-county"), query).matches == ()
    assert len(store.search(Visibility(SHARD, "qs-township"), query).matches) == 1


def test_a_deleted_resource_is_not_found_by_its_text(store: Store) -> None:
    store.commit(commit(_note("c1", "高血压")))
    store.commit(commit(change("Condition", "c1", is_deletion=True)))
    assert ids(store, "Condition?_content=高血压") == []


def test_a_text_beyond_all_measure_is_kept_to_its_bound_and_alike_each_time(store: Store) -> None:
    terms = tuple(f"{number:x}高血压" for number in range(90_000))
    text = packed(SHARD, [IndexRow("text", "Condition._content", terms)])
    again = packed(SHARD, [IndexRow("text", "Condition._content", tuple(reversed(terms)))])
    assert text is not None
    assert text == again
    assert LONGEST - 100 < len(text.encode()) <= LONGEST
    row = (IndexRow("text", "Condition._content", terms),)
    store.commit(commit(change("Condition", "long", index=row)))
    assert ids(store, "Condition?_content:missing=false") == ["long"]


@pytest.mark.parametrize("shard", [1, 2, 100])
def test_no_two_texts_have_one_mark(shard: int) -> None:
    names = [f"{type_}.{c}" for type_ in load().resource_types for c in ("_text", "_content")]
    assert len({mark(shard, parameter_number(name)) for name in names}) == len(names)
