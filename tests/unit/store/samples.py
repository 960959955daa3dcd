"""Commits and visibilities for the store's tests."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gateway.records import Change, Commit, IndexRow, Visibility

SHARD = 1
NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
ALL = Visibility(SHARD, "operator", sees_all=True)


def change(type_: str, id_: str, /, **values: Any) -> Change:
    """Make a change; what is not a field of Change becomes content of the resource."""
    fields = {name: values.pop(name) for name in list(values) if name in Change.__slots__}
    resource = {"resourceType": type_, "id": id_, **values}
    plain = Change(
        type=type_,
        id=id_,
        resource=resource,
        index=(),
        owner="qs-township",
        person=None,
        classes=2,
    )
    return replace(plain, **fields)


def commit(*changes: Change, **values: Any) -> Commit:
    """Make a commit of the tests' shard."""
    return Commit(SHARD, changes, **values)


def token(parameter: str, code: str, system: str | None = None) -> IndexRow:
    """Make a token's index row."""
    return IndexRow("token", parameter, (system, code, None))
