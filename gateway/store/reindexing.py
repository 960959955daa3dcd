"""One step of what a tenant's search parameter needs: rows for what is stored, or their deletion.

Steps of one tenant take turns, and each proves that its parameter is still as it was read: another
process, or another definition, may have been there in between.
"""

from dataclasses import dataclass

from sqlalchemy import delete, func, select

from gateway.fhir import codec
from gateway.fhir.definitions import load, search_parameter
from gateway.fhir.search_index import Rows, compile_parameter
from gateway.records import IndexRow, Resource
from gateway.store.database import Session
from gateway.store.flatten import flatten
from gateway.store.keys import CURRENT, parameter_number, text_number
from gateway.store.parameter_rows import State
from gateway.store.schema import INDEX_TABLES, reindexing, version
from gateway.store.schema import search_parameter as table
from gateway.store.upsert import insert_into

_BATCH = 200
_SUFFIXES = ("", ":text", ":identifier", ":of-type", ":canonical")
_TURN = text_number("search parameters")


@dataclass(frozen=True, slots=True)
class Task:
    """One parameter that is building, or leaving, as it was when ``generation`` was given."""

    shard: int
    url: str
    text: str
    state: State
    generation: int
    since_ms: int

    @property
    def definition(self) -> Resource:
        """What it is indexed by."""
        return codec.decode_stored(self.text.encode())

    def mark(self, session: Session) -> None:
        """Note the time from which on every writer knows this generation."""
        session.connection.execute(
            table.update()
            .where(
                table.c.shard == self.shard,
                table.c.url == self.url,
                table.c.generation == self.generation,
            )
            .values(since_ms=session.stamp(self.shard).ms)
        )

    def step(self, session: Session) -> bool:
        """Index or delete a batch; False when the parameter has come to its new state."""
        take_turn(session, self.shard)
        here = (table.c.shard == self.shard) & (table.c.url == self.url)
        generation = session.connection.execute(select(table.c.generation).where(here)).scalar()
        if generation != self.generation:
            return True
        is_building = self.state == "building"
        if _read_batch(session, self) if is_building else _drop(session, self):
            return True
        set_state(session, self.shard, self.url, "active" if is_building else "gone")
        return False


def take_turn(session: Session, shard: int) -> None:
    """Wait for whoever changes the parameters of this tenant now."""
    session.lock_criteria(shard, [_TURN])


def set_state(
    session: Session, shard: int, url: str, state: State, text: str | None = None
) -> None:
    """Change a state under a new generation, in one's turn; ``building`` begins anew."""
    connection = session.connection
    highest = select(func.coalesce(func.max(table.c.generation), 0)).where(table.c.shard == shard)
    news = {
        "state": state,
        "generation": connection.execute(highest).scalar_one() + 1,
        "since_ms": 0,
    }
    if text is None:
        here = (table.c.shard == shard) & (table.c.url == url)
        connection.execute(table.update().where(here).values(**news))
    else:
        statement = insert_into(connection, table).values(
            shard=shard, url=url, definition=text, **news
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["shard", "url"], set_={"definition": text, **news}
            )
        )
    if state == "building":
        begun = (reindexing.c.shard == shard) & (reindexing.c.url == url)
        connection.execute(delete(reindexing).where(begun))


def _read_batch(session: Session, task: Task) -> bool:
    """Index the next versions that were current before; False when there are none."""
    connection, shard, definition = session.connection, task.shard, task.definition
    types = definition["base"]
    here = (reindexing.c.shard == shard) & (reindexing.c.url == task.url)
    place = connection.execute(select(reindexing).where(here)).fetchone()
    live = (version.c.shard == shard) & version.c.type.in_(types) & version.c.is_deleted.is_(False)
    live &= version.c.superseded_txn == CURRENT
    if place is None:
        total = connection.execute(select(func.count()).where(live)).scalar_one()
        start = insert_into(connection, reindexing).values(
            shard=shard, url=task.url, position=0, done=0, total=total
        )
        connection.execute(start)
        return True
    batch = connection.execute(
        select(version.c.pk, version.c.body)
        .where(live, version.c.pk > place.position)
        .order_by(version.c.pk)
        .limit(_BATCH)
    ).fetchall()
    if not batch:
        connection.execute(reindexing.update().where(here).values(total=place.done))
        return False
    parameter = search_parameter(definition)
    extracts = {type_: compile_parameter(load(), type_, parameter) for type_ in types}
    for pk, body in batch:
        resource = codec.decode_stored(bytes(body))
        found = Rows()
        for extract in extracts[resource["resourceType"]]:
            extract(resource, found)
        _insert(session, shard, pk, found)
    done = place.done + len(batch)
    connection.execute(
        reindexing.update()
        .where(here)
        .values(position=batch[-1][0], done=done, total=max(place.total, done))
    )
    return True


def _insert(session: Session, shard: int, pk: int, found: list[IndexRow]) -> None:
    """Write rows that a writer may have written already."""
    for index, rows in flatten(found)[0].items():
        names = [column.name for column in index.columns]
        values = [dict(zip(names, (shard, *row[:-1], pk, row[-1]), strict=True)) for row in rows]
        statement = insert_into(session.connection, index).values(values)
        session.connection.execute(statement.on_conflict_do_nothing())


def _drop(session: Session, task: Task) -> bool:
    """Delete some rows of what it was; False when none is left."""
    code, types = task.definition["code"], task.definition["base"]
    params = [parameter_number(f"{t}.{code}{suffix}") for t in types for suffix in _SUFFIXES]
    dropped = 0
    for index in INDEX_TABLES:
        of_it = (index.c.shard == task.shard) & index.c.param.in_(params)
        some = select(index.c.pk).where(of_it).limit(_BATCH)
        pks = [row[0] for row in session.connection.execute(some)]
        if pks:
            gone = delete(index).where(of_it, index.c.pk.in_(pks))
            dropped += session.connection.execute(gone).rowcount
    return dropped > 0
