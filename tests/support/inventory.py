"""What stands in a gateway's database, counted past all of its own code."""

from collections import Counter
from dataclasses import dataclass

import sqlalchemy

# One row for each resource: its newest number, and how many versions there are.
_VERSIONS = "SELECT type, id, count(*), max(version_no) FROM version GROUP BY type, id"
_MESSAGES = "SELECT message_id, status FROM message"
_RECORDS = "SELECT message_id, ordinal, status, channel FROM record"


@dataclass(frozen=True, slots=True)
class Inventory:
    """Versions by resource, messages by id, records by message and ordinal."""

    versions: dict[str, int]
    messages: dict[str, str]
    records: dict[tuple[str, int], str]

    @property
    def counts(self) -> Counter[str]:
        """How many resources of each type there are."""
        return Counter(reference.partition("/")[0] for reference in self.versions)

    def versions_but(self, *types: str) -> dict[str, int]:
        """The versions without those of some types."""
        return {
            reference: count
            for reference, count in self.versions.items()
            if reference.partition("/")[0] not in types
        }


def inventory(url: str) -> Inventory:
    """Count a database; raise AssertionError where a resource's versions have a gap."""
    address = sqlalchemy.make_url(url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(address)
    try:
        with engine.connect() as connection:
            versions = connection.execute(sqlalchemy.text(_VERSIONS)).fetchall()
            messages = connection.execute(sqlalchemy.text(_MESSAGES)).fetchall()
            records = connection.execute(sqlalchemy.text(_RECORDS)).fetchall()
    finally:
        engine.dispose()
    assert all(count == newest for _, _, count, newest in versions)
    return Inventory(
        {f"{row[0]}/{row[1]}": row[2] for row in versions},
        dict(messages),
        {(id_, ordinal): status for id_, ordinal, status, _ in records},
    )
