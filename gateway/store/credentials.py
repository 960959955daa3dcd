"""How clients prove who they are, several ways each with its time; and what counts only once."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select

from gateway.store.database import Database, Session
from gateway.store.keys import CURRENT, instant, micros
from gateway.store.schema_access import credential, spent
from gateway.store.upsert import insert_into


@dataclass(frozen=True, slots=True)
class Credential:
    """One secret (``value``: its hash), public key (JWK) or address of a key set of a client."""

    client: str
    id: str
    kind: str
    value: str
    since: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Say whether it may be used now."""
        return self.since <= now and (self.until is None or now < self.until)


class Credentials:
    """The credentials of all clients; shared by every process of the deployment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, client: str) -> tuple[Credential, ...]:
        """Give the credentials of a client, oldest first, those that ended too."""
        sql = (
            "SELECT id, kind, value, since_utc, until_utc FROM credential WHERE client = ? "
            "ORDER BY since_utc, id"
        )
        return tuple(
            Credential(
                *(client, id_, kind, value, instant(since)),
                None if until == CURRENT else instant(until),
            )
            for id_, kind, value, since, until in self._database.rows(sql, (client,))
        )

    def put(self, *ones: Credential) -> None:
        """Add credentials or change those with the same client and id, all or none."""

        def work(session: Session) -> None:
            for one in ones:
                values = {
                    "client": one.client,
                    "id": one.id,
                    "kind": one.kind,
                    "value": one.value,
                    "since_utc": micros(one.since),
                    "until_utc": CURRENT if one.until is None else micros(one.until),
                }
                statement = insert_into(session.connection, credential).values(values)
                session.connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["client", "id"],
                        set_={name: statement.excluded[name] for name in list(values)[2:]},
                    )
                )

        self._database.write(work)

    # ------------------------------------------------------------ what counts once

    def spend(self, value: str, until: datetime) -> bool:
        """Use something up for every process; False when it was used before.

        It is remembered until the moment from which on it would not be accepted anyway.
        """

        def work(session: Session) -> bool:
            row = {"value": value, "until_utc": micros(until)}
            statement = insert_into(session.connection, spent).values(row)
            done = session.connection.execute(
                statement.on_conflict_do_nothing(index_elements=["value"]).returning(spent.c.value)
            )
            return done.first() is not None

        return self._database.write(work)

    def is_spent(self, value: str) -> bool:
        """Say whether something was used up."""
        return bool(self._database.rows("SELECT 1 FROM spent WHERE value = ?", (value,)))

    def forget(self, now: datetime) -> None:
        """Drop what is not accepted any more anyway."""

        def work(session: Session) -> None:
            session.connection.execute(delete(spent).where(spent.c.until_utc < micros(now)))

        with self._database.reading() as connection:
            old = select(spent.c.value).where(spent.c.until_utc < micros(now)).limit(1)
            has_old = connection.execute(old).first() is not None
        if has_old:
            self._database.write(work)
