"""The hot searches of reactions: one exact value, in one statement that is never built anew."""

from gateway.fhir.search_model import Criterion, Query, ReferenceValue, TextValue, TokenValue
from gateway.fhir.search_unions import codes_of
from gateway.records import Stored
from gateway.store.database import Database
from gateway.store.flatten import IDENTIFIER
from gateway.store.keys import CURRENT, bounded, parameter_number, space_number
from gateway.store.versions import COLUMNS, to_stored

_SUFFIXES = {None: "", "identifier": IDENTIFIER}
_FIND = (
    f"SELECT {', '.join(f'v.{name}' for name in COLUMNS)} FROM exact_index i "  # noqa: S608
    "JOIN version v ON v.shard = i.shard AND v.pk = i.pk "
    "WHERE i.shard = ? AND i.param = ? AND i.value = ? AND i.space = ? "
    f"AND v.superseded_txn = {CURRENT} AND v.is_deleted = ? AND v.type = ? ORDER BY i.pk DESC"
)


def find_exact(database: Database, shard: int, query: Query) -> list[Stored] | None:
    """Give every current match, newest first; None when the search asks for more than one value."""
    if len(query.conditions) != 1 or len(query.types) != 1 or query.sorts or query.includes:
        return None
    criterion = query.conditions[0]
    if not isinstance(criterion, Criterion) or len(criterion.values) != 1:
        return None
    exact = _exact(criterion) if len(codes_of(query.types, criterion.code)) == 1 else None
    if criterion.code.startswith("_id") or exact is None:
        return None
    name = f"{query.types[0]}.{criterion.code}{_SUFFIXES[criterion.modifier]}"
    keys = (shard, parameter_number(name), bounded(exact[0]), exact[1], False, query.types[0])
    return [to_stored(shard, row) for row in database.rows(_FIND, keys)]


def _exact(criterion: Criterion) -> tuple[str, int] | None:
    """Give the one value and space that a criterion fixes, as the index has them."""
    value = criterion.values[0]
    if criterion.modifier not in _SUFFIXES or criterion.is_missing is not None:
        return None
    if isinstance(value, TokenValue) and value.system is not None and value.code is not None:
        return value.code, space_number(value.system)
    if isinstance(value, ReferenceValue):
        if value.id is None:
            return value.text or "", 0
        return (value.id, space_number(value.type)) if value.type else None
    if isinstance(value, TextValue) and criterion.kind == "uri":
        return value.text, 0
    return None
