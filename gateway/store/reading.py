"""What reactions may ask of the store."""

from typing import TYPE_CHECKING

from gateway.fhir import codec, definitions
from gateway.fhir.search_query import parse_query
from gateway.records import Resource, Stored, Visibility
from gateway.store.finding import find_exact

if TYPE_CHECKING:
    from gateway.store.store import Store


class StoreReading:
    """Reads the current versions of one shard, for the gateway itself (``records.Reading``)."""

    def __init__(self, store: "Store", shard: int) -> None:
        self._store = store
        self._shard = shard
        self._all = Visibility(shard, "", sees_all=True)
        # One write asks for the same few organisations of every resource.
        self._members: dict[str, str | None] = {}

    def read(self, type_: str, id_: str) -> Resource | None:
        """Give the current version or None."""
        stored = self._live(type_, id_)
        return codec.decode_stored(stored.body) if stored else None

    def find(self, type_: str, **parameters: str) -> list[Resource]:
        """Search by exact parameter values (underscores for dashes); every page is read.

        A leading underscore stays: ``_id``. Raises GW-7101 for an unknown parameter.
        """
        pairs = [
            (name if name.startswith("_") else name.replace("_", "-"), value)
            for name, value in parameters.items()
        ]
        # Reactions know R4's parameters only: nobody need be asked for the deployment's.
        query = parse_query(definitions.load(), (type_,), [*pairs, ("_count", "1000")], "strict")
        hot = find_exact(self._store.database, self._shard, query)
        if hot is not None:
            return [codec.decode_stored(one.body) for one in hot]
        page = self._store.search(self._all, query)
        found = list(page.matches)
        while page.next is not None:
            page = self._store.search(self._all, query, page.next)
            found.extend(page.matches)
        return [codec.decode_stored(one.body) for one in found]

    def person_of(self, type_: str, id_: str) -> str | None:
        """Give the person that a stored resource is about."""
        stored = self._live(type_, id_)
        return stored.person if stored else None

    def member_of(self, organization: str) -> str | None:
        """Give the member whose directory entry is ``Organization/<id>``."""
        if organization not in self._members:
            member = self._store.registry.member_by_organization(self._shard, organization)
            self._members[organization] = member.id if member else None
        return self._members[organization]

    def owner_of(self, type_: str, id_: str) -> str | None:
        """Give the member whose record it is."""
        stored = self._live(type_, id_)
        return stored.owner if stored else None

    def version_of(self, type_: str, id_: str) -> int:
        """Give the newest version number, a deletion's included; 0 when nothing was ever stored."""
        stored = self._store.read(self._all, type_, id_)
        return stored.version if stored else 0

    def _live(self, type_: str, id_: str) -> Stored | None:
        stored = self._store.read(self._all, type_, id_)
        return None if stored is None or stored.is_deleted else stored
