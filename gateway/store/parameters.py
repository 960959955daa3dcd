"""Search parameters that a deployment adds: indexed online, answered from once they are whole.

Every writer proves inside its transaction that it indexed by the newest generation. What was
written before is read again in batches, once no writer of an older generation is left; only then
does the parameter answer.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from sqlalchemy import delete, func, select

from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.definitions import SearchParameter, load, search_parameter
from gateway.fhir.search_index import compile_parameter
from gateway.fhir.search_paths import SearchExpressionError
from gateway.fhir.search_query import Searchable
from gateway.records import IndexRow, Resource
from gateway.store.database import Database, Session
from gateway.store.flatten import flatten
from gateway.store.keys import CURRENT, parameter_number
from gateway.store.parameter_rows import GENERATION, OwnParameters, read_parameters
from gateway.store.schema import INDEX_TABLES, reindexing, version
from gateway.store.schema import search_parameter as table
from gateway.store.upsert import insert_into

State = Literal["building", "active", "retired", "gone"]
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_KINDS = frozenset({"number", "date", "string", "token", "reference", "quantity", "uri"})
_BATCH = 200
_SUFFIXES = ("", ":text", ":identifier", ":of-type", ":canonical")
_HEAD = re.compile(r"[.:]")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the indexing of one parameter is: resources read, of all that were there."""

    url: str
    code: str
    state: State
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class _Wider:
    """The release's definitions and the active parameters of the deployment."""

    resource_types: frozenset[str]
    search_parameters: dict[str, dict[str, SearchParameter]]
    search_parameters_by_url: dict[str, SearchParameter]


class Parameters:
    """The deployment's own search parameters."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OwnParameters | None = None
        self._wider: tuple[OwnParameters, _Wider] | None = None

    @property
    def known(self) -> OwnParameters:
        """What this process knows."""
        return self._known or self.refresh()

    def refresh(self) -> OwnParameters:
        """Read what the database has by now."""
        self._known = read_parameters(self._database, load())
        return self._known

    def definitions(self, types: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Searchable:
        """Give what a search is parsed by; raise GW-7110 when a parameter is not whole yet."""
        known = self.known
        if self._database.rows(GENERATION, ())[0][0] != known.generation:
            known = self.refresh()
        for type_ in types if known.building else ():
            for name, _ in pairs:
                if _HEAD.split(name)[0] in known.building.get(type_, {}):
                    raise GatewayError("GW-7110", name=name)
        if self._wider is None or self._wider[0] is not known:
            self._wider = (known, _wider(known))
        return self._wider[1]

    # ------------------------------------------------------------ changes

    def add(self, definition: Resource) -> Progress:
        """Take up a SearchParameter resource; raise GW-7111 with the reason it cannot be.

        It answers when ``build`` has read what is stored.
        """
        parameter = _checked(definition)
        text = codec.encode(definition).decode()

        def work(session: Session) -> None:
            rows = session.connection.execute(
                select(table.c.url, table.c.definition, table.c.state)
            )
            for url, other, state in rows:
                code = codec.decode_stored(other.encode())["code"]
                if state != "gone" and (url == parameter.url or code == parameter.code):
                    raise _refused(parameter.code, "已存在，请先停用", "it exists: retire it first")
            _set(session, parameter.url, "building", text)

        self._database.write(work)
        self.refresh()
        return Progress(parameter.url, parameter.code, "building", 0, 0)

    def remove(self, url: str) -> None:
        """Retire a parameter: it answers no more, and ``build`` deletes its rows."""
        self._database.write(lambda session: _set(session, url, "retired"))
        self.refresh()

    def progress(self) -> tuple[Progress, ...]:
        """Say how far each parameter is."""
        rows = self._database.rows(
            "SELECT p.url, p.definition, p.state, coalesce(sum(r.done), 0), "
            "coalesce(sum(r.total), 0) FROM search_parameter p "
            "LEFT JOIN reindexing r ON r.url = p.url "
            "GROUP BY p.url, p.definition, p.state ORDER BY p.url",
            (),
        )
        return tuple(
            Progress(url, codec.decode_stored(text.encode())["code"], state, int(done), int(total))
            for url, text, state, done, total in rows
        )

    # ------------------------------------------------------------ indexing

    def build(self) -> bool:
        """Do one step of what is to be indexed or deleted; False when nothing is left.

        For the worker: call it again and again. Every step is a short transaction of its own and
        goes on where the last ended, in whichever process.
        """
        rows = self._database.rows(
            "SELECT url, definition, state, since_ms FROM search_parameter "
            "WHERE state IN ('building', 'retired') ORDER BY url",
            (),
        )
        for url, text, state, since_ms in rows:
            self._step(url, codec.decode_stored(text.encode()), state, since_ms)
        return bool(rows)

    def _step(self, url: str, definition: Resource, state: State, since_ms: int) -> None:
        if not since_ms:
            # Whoever knows the generation before began before this moment.
            self._database.write(lambda session: _mark(session, url))
            return
        if self._database.has_transaction_before(since_ms):
            time.sleep(0.01)
            return
        step = self._forget if state == "retired" else self._batch
        if any(step(shard, definition) for shard in self._shards()):
            return
        ended: State = "gone" if state == "retired" else "active"
        self._database.write(lambda session: _set(session, url, ended))
        self.refresh()

    def _shards(self) -> list[int]:
        """Give the shards that hold anything, each found by one look at the index."""
        found: list[int] = []
        last = -(2**31)
        while rows := self._database.rows(
            "SELECT shard FROM version WHERE shard > ? ORDER BY shard LIMIT 1", (last,)
        ):
            last = rows[0][0]
            found.append(last)
        return found

    def _batch(self, shard: int, definition: Resource) -> bool:
        return self._database.write(partial(_read_batch, shard, definition))

    def _forget(self, shard: int, definition: Resource) -> bool:
        code, types = definition["code"], definition["base"]
        params = [parameter_number(f"{t}.{code}{suffix}") for t in types for suffix in _SUFFIXES]
        return self._database.write(partial(_drop, shard, params))


def _set(session: Session, url: str, state: State, text: str | None = None) -> None:
    """Change a state under a new generation."""
    connection = session.connection
    newest = connection.execute(select(func.coalesce(func.max(table.c.generation), 0)))
    news = {"state": state, "generation": newest.scalar_one() + 1, "since_ms": 0}
    if text is None:
        connection.execute(table.update().where(table.c.url == url).values(**news))
        return
    statement = insert_into(connection, table).values(url=url, definition=text, **news)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["url"], set_={"definition": text, **news})
    )
    connection.execute(delete(reindexing).where(reindexing.c.url == url))


def _mark(session: Session, url: str) -> None:
    now = session.stamp(0).ms
    session.connection.execute(table.update().where(table.c.url == url).values(since_ms=now))


def _read_batch(shard: int, definition: Resource, session: Session) -> bool:
    """Index the next versions that were current before; False when there are none."""
    connection, types = session.connection, definition["base"]
    here = (reindexing.c.shard == shard) & (reindexing.c.url == definition["url"])
    place = connection.execute(select(reindexing).where(here).with_for_update()).fetchone()
    live = (version.c.shard == shard) & version.c.type.in_(types) & version.c.is_deleted.is_(False)
    live &= version.c.superseded_txn == CURRENT
    if place is None:
        total = connection.execute(select(func.count()).where(live)).scalar_one()
        start = insert_into(connection, reindexing).values(
            shard=shard, url=definition["url"], position=0, done=0, total=total
        )
        connection.execute(start.on_conflict_do_nothing())
        return True
    batch = connection.execute(
        select(version.c.pk, version.c.body)
        .where(live, version.c.pk > place.position)
        .order_by(version.c.pk)
        .limit(_BATCH)
    ).fetchall()
    if not batch:
        return False
    parameter = search_parameter(definition)
    extracts = {type_: compile_parameter(load(), type_, parameter) for type_ in types}
    for pk, body in batch:
        resource = codec.decode_stored(body)
        found: list[IndexRow] = []
        for extract in extracts[resource["resourceType"]]:
            extract(resource, found)
        _insert(session, shard, pk, found)
    done = place.done + len(batch)
    connection.execute(reindexing.update().where(here).values(position=batch[-1][0], done=done))
    return True


def _insert(session: Session, shard: int, pk: int, found: list[IndexRow]) -> None:
    """Write rows that a writer may have written already."""
    for index, rows in flatten(found)[0].items():
        names = [column.name for column in index.columns]
        values = [dict(zip(names, (shard, *row[:-1], pk, row[-1]), strict=True)) for row in rows]
        statement = insert_into(session.connection, index).values(values)
        session.connection.execute(statement.on_conflict_do_nothing())


def _drop(shard: int, params: list[int], session: Session) -> bool:
    dropped = 0
    for index in INDEX_TABLES:
        first = (
            select(index.c.pk)
            .where(index.c.shard == shard, index.c.param.in_(params))
            .limit(_BATCH)
        )
        pks = [row[0] for row in session.connection.execute(first)]
        if pks:
            gone = delete(index).where(
                index.c.shard == shard, index.c.param.in_(params), index.c.pk.in_(pks)
            )
            dropped += session.connection.execute(gone).rowcount
    return dropped > 0


def _checked(definition: Resource) -> SearchParameter:
    """Read a definition; raise GW-7111 for one that this gateway cannot index."""
    missing = [
        key for key in ("url", "code", "base", "type", "expression") if key not in definition
    ]
    if missing:
        raise _refused(", ".join(missing), f"缺少 {missing[0]}", f"{missing[0]} is missing")
    parameter = search_parameter(definition)
    types = definition["base"]
    release = load()
    if _CODE.fullmatch(parameter.code) is None or parameter.kind not in _KINDS:
        raise _refused(parameter.code, "编码或类型不受支持", "its code or kind cannot be indexed")
    for type_ in types:
        if type_ not in release.resource_types:
            raise _refused(parameter.code, f"没有 {type_}", f"there is no type {type_}")
        if parameter.code in release.search_parameters[type_]:
            raise _refused(parameter.code, f"{type_} 已有此参数", f"{type_} has it already")
        try:
            compile_parameter(release, type_, parameter)
        except SearchExpressionError as err:
            raise _refused(parameter.code, f"表达式无法编译：{err}", str(err)) from err
    return parameter


def _refused(name: str, reason_zh: str, reason_en: str) -> GatewayError:
    return GatewayError("GW-7111", name=name, reason_zh=reason_zh, reason_en=reason_en)


def _wider(known: OwnParameters) -> _Wider:
    release = load()
    merged = dict(release.search_parameters)
    for type_, parameters in known.active.items():
        merged[type_] = {**merged[type_], **parameters}
    return _Wider(release.resource_types, merged, release.search_parameters_by_url)
