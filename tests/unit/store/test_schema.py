"""The schema: migrations make it, shards are in every key, numbers never meet."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import UniqueConstraint

from gateway.errors import GatewayError
from gateway.fhir.definitions import load
from gateway.store import Store, upgrading
from gateway.store.flatten import IDENTIFIER, TEXT
from gateway.store.keys import key_ms, parameter_number, version_key
from gateway.store.schema import metadata

SHARED = {"tenant", "client", "channel", "credential", "spent"}


def test_the_migrations_make_the_schema_and_nothing_else(store: Store) -> None:
    with store.database.upgrade_engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": _is_plain}
        )
        assert compare_metadata(context, metadata) == []


def _is_plain(name: str | None, kind: str, _parents: object) -> bool:
    """Texts lie in a virtual table on SQLite, whose shadows no metadata describes."""
    return kind != "table" or not (name or "").startswith("text_")


def test_every_table_that_grows_has_the_shard_in_all_its_keys() -> None:
    for name, table in metadata.tables.items():
        if name in SHARED:
            continue
        unique = [c for c in table.constraints if isinstance(c, UniqueConstraint)]
        for key in (table.primary_key, *unique):
            assert "shard" in {column.name for column in key.columns}, name
        for index in table.indexes:
            assert index.columns[0].name == "shard", index.name


def test_no_two_parameters_have_one_number() -> None:
    names = {
        f"{type_}.{code}{suffix}"
        for type_, known in load().search_parameters.items()
        for code, parameter in known.items()
        for suffix in (
            "",
            TEXT,
            IDENTIFIER,
            *(f"${n + 1}" for n in range(len(parameter.components))),
        )
    }
    assert len(names) > 5_000
    assert len({parameter_number(name) for name in names}) == len(names)


def test_version_keys_keep_their_time_and_never_meet_within_a_transaction() -> None:
    ms = int(datetime(2088, 12, 31, tzinfo=UTC).timestamp()) * 1000
    keys = [version_key(ms, txn, ordinal) for txn in (1, 2, 16_383) for ordinal in range(1000)]
    assert len(set(keys)) == len(keys)
    assert max(keys) < 2**63
    assert key_ms(version_key(ms, 7, 0)) == ms


def test_a_database_of_a_later_release_is_refused(store: Store) -> None:
    with store.database.upgrade_engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(GatewayError, match="GW-5009"):
        store.upgrade()
    with pytest.raises(GatewayError, match="9999"):
        upgrading.demand_current(store.database.upgrade_engine)


def test_an_upgrade_of_what_is_current_changes_nothing(store: Store) -> None:
    store.upgrade()
    upgrading.demand_current(store.database.upgrade_engine)


def test_an_address_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="GW-5010"):
        Store.open("mysql://nowhere/x", data_dir=tmp_path)
