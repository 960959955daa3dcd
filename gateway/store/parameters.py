"""Search parameters that a tenant adds: indexed online, answered from once they are whole.

What is stored as SearchParameter is what shall be; the table ``search_parameter`` is how far it is,
and follows. Every writer proves inside its transaction that it indexed by the newest generation of
the tenant's parameters. What was written before is read again in batches
(``gateway.store.reindexing``), once no writer of an older generation is left; only then does the
parameter answer.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.definitions import SearchParameter, load, search_parameter
from gateway.fhir.search_index import compile_parameter
from gateway.fhir.search_paths import SearchExpressionError
from gateway.fhir.search_query import Searchable
from gateway.records import Resource
from gateway.store import reindexing
from gateway.store.database import Database, Session
from gateway.store.keys import CURRENT
from gateway.store.parameter_rows import GENERATION, OwnParameters, State, read_parameters
from gateway.store.schema import search_parameter as table
from gateway.store.schema import version

TYPE = "SearchParameter"
MAX_ADDED = 64
"""Each adds its rows to every version of its types."""
_MAX_EXPRESSION, _MAX_BRACKETS = 2_000, 50
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
_KINDS = frozenset({"number", "date", "string", "token", "reference", "quantity", "uri"})
_NEEDED = ("url", "code", "base", "type", "expression")
_INDEXED_BY = (*_NEEDED, "target")
_HEAD = re.compile(r"[.:]")
_NEWS = f"SELECT count(*), coalesce(max(pk), 0) FROM version WHERE shard = ? AND type = '{TYPE}'"  # noqa: S608
_OPEN = (
    "SELECT url, definition, state, generation, since_ms FROM search_parameter "
    "WHERE shard = ? AND state IN ('building', 'changing', 'retired') ORDER BY url"
)
_PROGRESS = (
    "SELECT p.url, p.definition, p.state, coalesce(r.done, 0), coalesce(r.total, 0) "
    "FROM search_parameter p LEFT JOIN reindexing r ON r.shard = p.shard AND r.url = p.url "
    "WHERE p.shard = ? ORDER BY p.url"
)


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
    """The release's definitions and the active parameters of a tenant."""

    resource_types: frozenset[str]
    search_parameters: dict[str, dict[str, SearchParameter]]
    search_parameters_by_url: dict[str, SearchParameter]


class Parameters:
    """The tenants' own search parameters."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, OwnParameters] = {}
        self._wider: dict[int, tuple[OwnParameters, _Wider]] = {}
        self._followed: dict[int, tuple[int, ...]] = {}

    def known(self, shard: int) -> OwnParameters:
        """Give what this process knows of a tenant's."""
        return self._known.get(shard) or self.refresh(shard)

    def refresh(self, shard: int) -> OwnParameters:
        """Read what the database has by now."""
        known = self._known[shard] = read_parameters(self._database, shard, load())
        return known

    def current(self, shard: int) -> OwnParameters:
        """Give a tenant's as they are in the database at this moment."""
        known = self.known(shard)
        if self._database.rows(GENERATION, (shard,))[0][0] == known.generation:
            return known
        return self.refresh(shard)

    def definitions(
        self, shard: int, types: Sequence[str], pairs: Sequence[tuple[str, str]]
    ) -> Searchable:
        """Give what a search is parsed by; raise GW-7110 when a parameter is not whole yet."""
        known = self.current(shard)
        if known.building:
            _demand_whole(known, types, [name for name, _ in pairs])
        wider = self._wider.get(shard)
        if wider is None or wider[0] is not known:
            wider = self._wider[shard] = (known, _widened(known))
        return wider[1]

    def progress(self, shard: int) -> tuple[Progress, ...]:
        """Say how far each parameter of a tenant is."""
        rows = self._database.rows(_PROGRESS, (shard,))
        return tuple(
            Progress(url, codec.decode_stored(text.encode())["code"], state, int(done), int(total))
            for url, text, state, done, total in rows
        )

    # ------------------------------------------------------------ changes

    def follow(self, shard: int) -> None:
        """Make the stored SearchParameter resources what is to be indexed.

        Whoever wrote one calls this, and the worker whenever their number has changed: so nothing
        is missed when a process dies in between.
        """
        self._database.write(lambda session: _follow(session, shard))
        self.refresh(shard)

    def rebuild(self, shard: int, url: str) -> None:
        """Index an active parameter anew; it does not answer until that is done."""

        def work(session: Session) -> None:
            reindexing.take_turn(session, shard)
            here = (table.c.shard == shard) & (table.c.url == url)
            state = session.connection.execute(select(table.c.state).where(here)).scalar()
            if state == "active":
                reindexing.set_state(session, shard, url, "building")

        self._database.write(work)
        self.refresh(shard)

    def work(self, shard: int) -> bool:
        """Do one step of what is to be indexed or deleted; False when nothing is left.

        For the worker: call it again and again. Every step is a short transaction of its own and
        goes on where the last ended, in whichever process.
        """
        news = self._database.rows(_NEWS, (shard,))[0]
        if self._followed.get(shard) != news:
            self.follow(shard)
            self._followed[shard] = news
        tasks = [reindexing.Task(shard, *row) for row in self._database.rows(_OPEN, (shard,))]
        for task in tasks:
            self._step(task)
        return bool(tasks)

    def _step(self, task: reindexing.Task) -> None:
        if not task.since_ms:
            # Whoever knows the generation before began before this moment.
            self._database.write(task.mark)
            return
        if self._database.has_transaction_before(task.since_ms):
            time.sleep(0.01)
            return
        if self._database.write(task.step):
            return
        if task.state != "building":
            # What waited for the old rows to be gone can begin.
            self.follow(task.shard)
        self.refresh(task.shard)


def read_definition(definition: Resource) -> SearchParameter:
    """Read a SearchParameter resource; raise GW-7111 for one that cannot be indexed."""
    missing = next((key for key in _NEEDED if key not in definition), None)
    if missing:
        raise refused(missing, f"缺少 {missing}", f"{missing} is missing")
    parameter = search_parameter(definition)
    expression = definition["expression"]
    release = load()
    if _CODE.fullmatch(parameter.code) is None or parameter.kind not in _KINDS:
        raise refused(parameter.code, "编码或类型不受支持", "its code or kind cannot be indexed")
    if len(expression) > _MAX_EXPRESSION or expression.count("(") > _MAX_BRACKETS:
        raise refused(parameter.code, "表达式过长", "its expression is too long")
    for type_ in definition["base"]:
        if type_ not in release.resource_types:
            raise refused(parameter.code, f"没有 {type_}", f"there is no type {type_}")
        if parameter.code in release.search_parameters[type_]:
            raise refused(parameter.code, f"{type_} 已有此参数", f"{type_} has it already")
        try:
            compile_parameter(release, type_, parameter)
        except SearchExpressionError as err:
            raise refused(parameter.code, f"表达式无法编译：{err}", str(err)) from err
    return parameter


def is_in_force(definition: Resource) -> bool:
    """Say whether a stored SearchParameter is to be answered; drafts and retired ones are not."""
    return definition.get("status") == "active"


def refused(name: str, reason_zh: str, reason_en: str) -> GatewayError:
    """Make the refusal of a search parameter."""
    return GatewayError(
        "GW-7111", name=name[:64], reason_zh=reason_zh[:200], reason_en=reason_en[:200]
    )


def _demand_whole(known: OwnParameters, types: Sequence[str], names: Sequence[str]) -> None:
    """Raise GW-7110 for a name that begins with, or leads to, what is still being indexed."""
    later = {code for codes in known.building.values() for code in codes}
    for name in names:
        head, *rest = _HEAD.split(name)
        is_first = any(head in known.building.get(type_, ()) for type_ in types)
        if is_first or not later.isdisjoint(rest):
            raise GatewayError("GW-7110", name=name[:64])


def _widened(known: OwnParameters) -> _Wider:
    release = load()
    merged = dict(release.search_parameters)
    for type_, parameters in known.active.items():
        merged[type_] = {**merged[type_], **parameters}
    return _Wider(release.resource_types, merged, release.search_parameters_by_url)


def _follow(session: Session, shard: int) -> None:
    reindexing.take_turn(session, shard)
    columns = (table.c.url, table.c.definition, table.c.state)
    rows = session.connection.execute(select(*columns).where(table.c.shard == shard))
    known: dict[str, tuple[str, State]] = {url: (text, state) for url, text, state in rows}
    wanted = _wanted(session, shard)
    for url, (text, state) in known.items():
        if state == "gone":
            continue
        if url not in wanted and state != "retired":
            reindexing.set_state(session, shard, url, "retired")
        elif url in wanted and state != "changing" and (state == "retired" or text != wanted[url]):
            reindexing.set_state(session, shard, url, "changing")
        else:
            continue
        known[url] = (text, "retired")
    leaving = {
        name
        for text, state in known.values()
        if state in {"retired", "changing"}
        for name in _names(text)
    }
    for url, text in wanted.items():
        is_new = url not in known or known[url][1] == "gone"
        # The rows of one that leaves are found by type and code, so its successor waits.
        if is_new and leaving.isdisjoint(_names(text)):
            reindexing.set_state(session, shard, url, "building", text)


def _wanted(session: Session, shard: int) -> dict[str, str]:
    """Give what the stored resources say, by url; of two that claim one name the older stands."""
    live = (version.c.shard == shard) & (version.c.type == TYPE)
    live &= (version.c.superseded_txn == CURRENT) & version.c.is_deleted.is_(False)
    bodies = session.connection.execute(select(version.c.body).where(live).order_by(version.c.pk))
    wanted: dict[str, str] = {}
    taken: set[str] = set()
    for (body,) in bodies:
        resource = codec.decode_stored(bytes(body))
        if not is_in_force(resource) or not _is_readable(resource):
            continue
        kept = {key: resource[key] for key in _INDEXED_BY if key in resource}
        text = codec.encode(kept).decode()
        if kept["url"] not in wanted and taken.isdisjoint(_names(text)):
            wanted[kept["url"]] = text
            taken |= _names(text)
    return wanted


def _is_readable(resource: Resource) -> bool:
    """Say whether it can be indexed: a record's mapping may write what no client could."""
    try:
        read_definition(resource)
    except GatewayError:
        return False
    return True


def _names(text: str) -> set[str]:
    definition = codec.decode_stored(text.encode())
    return {f"{type_}.{definition['code']}" for type_ in definition["base"]}
