"""Tenants, members, clients and channels: small tables that every shard shares."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, Table, select

from gateway.errors import GatewayError
from gateway.records import Channel
from gateway.store.database import Database, Session
from gateway.store.schema import channel, client, member, tenant
from gateway.store.upsert import insert_into


@dataclass(frozen=True, slots=True)
class Tenant:
    """A consortium and the shard that it lies in."""

    id: str
    name: str
    shard: int


@dataclass(frozen=True, slots=True)
class Member:
    """One institution of a consortium.

    ``organization`` is the id of its directory entry; ``endpoint`` where notices are sent;
    ``admdvs`` the insurance region of a county's insurer.
    """

    shard: int
    id: str
    name: str
    roles: tuple[str, ...] = ()
    uscc: str | None = None
    organization: str | None = None
    admdvs: str | None = None
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """A system that signs in for a member, in the shards where the member takes part."""

    id: str
    name: str
    member: str
    shards: tuple[int, ...]
    scopes: tuple[str, ...]
    is_active: bool = True


_CHANNEL = "SELECT id, shard, member, format, settings FROM channel WHERE id = ?"
_MEMBER = f"SELECT {', '.join(Member.__slots__)} FROM member WHERE shard = ? AND "  # noqa: S608


class Registry:
    """Who takes part, and how they connect."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ------------------------------------------------------------ tenants

    def add_tenant(self, one: Tenant) -> None:
        """Add a tenant or change it."""
        self._put(tenant, {"id": one.id, "name": one.name, "shard": one.shard}, ["id"])

    def tenants(self) -> tuple[Tenant, ...]:
        """Give all tenants by id."""
        return tuple(
            Tenant(row.id, row.name, row.shard)
            for row in self._rows(select(tenant).order_by(tenant.c.id))
        )

    def shards(self) -> tuple[int, ...]:
        """Give every shard that holds a tenant."""
        rows = self._rows(select(tenant.c.shard).distinct().order_by(tenant.c.shard))
        return tuple(row[0] for row in rows)

    # ------------------------------------------------------------ members

    def add_member(self, one: Member) -> None:
        """Add a member or change it."""
        values = {name: getattr(one, name) for name in Member.__slots__}
        values["roles"] = " ".join(one.roles)
        self._put(member, values, ["shard", "id"])

    def member(self, shard: int, id_: str) -> Member | None:
        """Give a member."""
        return self._member(_MEMBER + "id = ?", (shard, id_))

    def member_by_organization(self, shard: int, organization: str) -> Member | None:
        """Give the member whose directory entry is ``Organization/<id>``."""
        return self._member(_MEMBER + "organization = ?", (shard, organization))

    def _member(self, sql: str, keys: tuple[int, str]) -> Member | None:
        """Read a member by the hot path: every write asks for some."""
        rows = self._database.rows(sql, keys)
        if not rows:
            return None
        values = dict(zip(Member.__slots__, rows[0], strict=True))
        return Member(**{**values, "roles": tuple(values["roles"].split())})

    def members(self, shard: int) -> tuple[Member, ...]:
        """Give the members of a shard by id."""
        rows = self._rows(select(member).where(member.c.shard == shard).order_by(member.c.id))
        return tuple(_to_member(row) for row in rows)

    # ------------------------------------------------------------ clients

    def add_client(self, one: Client) -> None:
        """Add a client or change it."""
        values = {name: getattr(one, name) for name in Client.__slots__}
        values["shards"] = " ".join(str(shard) for shard in one.shards)
        values["scopes"] = " ".join(one.scopes)
        self._put(client, values, ["id"])

    def client(self, id_: str) -> Client | None:
        """Give a client."""
        rows = self._rows(select(client).where(client.c.id == id_))
        return _to_client(rows[0]) if rows else None

    def clients(self) -> tuple[Client, ...]:
        """Give all clients by id."""
        return tuple(_to_client(row) for row in self._rows(select(client).order_by(client.c.id)))

    # ------------------------------------------------------------ channels

    def add_channel(self, one: Channel) -> None:
        """Add a channel or change it."""
        settings = {
            "mappings": one.mappings,
            "charset": one.charset,
            "zone": one.zone,
            "policy": one.policy,
            "options": dict(one.options),
        }
        values = {
            "id": one.id,
            "shard": one.shard,
            "member": one.member,
            "format": one.format,
            "settings": msgspec.json.encode(settings),
        }
        self._put(channel, values, ["id"])

    def channel(self, id_: str) -> Channel:
        """Give a channel; raise GW-1001 when there is none."""
        rows = self._database.rows(_CHANNEL, (id_,))  # The hot path: every message asks.
        if not rows:
            raise GatewayError("GW-1001", channel=id_)
        return _to_channel(rows[0])

    def channels(self, shard: int | None = None) -> tuple[Channel, ...]:
        """Give the channels by id, of one shard or all."""
        statement = select(channel).order_by(channel.c.id)
        if shard is not None:
            statement = statement.where(channel.c.shard == shard)
        return tuple(_to_channel(row) for row in self._rows(statement))

    # ------------------------------------------------------------ within

    def _rows(self, statement: Any) -> list[Row[Any]]:
        with self._database.reading() as connection:
            return list(connection.execute(statement))

    def _put(self, table: Table, values: dict[str, Any], keys: Iterable[str]) -> None:
        key_names = list(keys)

        def put(session: Session) -> None:
            statement = insert_into(session.connection, table).values(values)
            changes = {name: statement.excluded[name] for name in values if name not in key_names}
            session.connection.execute(
                statement.on_conflict_do_update(index_elements=key_names, set_=changes)
            )

        self._database.write(put)


def _to_member(row: Row[Any]) -> Member:
    values = {name: getattr(row, name) for name in Member.__slots__}
    values["roles"] = tuple(row.roles.split())
    return Member(**values)


def _to_client(row: Row[Any]) -> Client:
    return Client(
        id=row.id,
        name=row.name,
        member=row.member,
        shards=tuple(int(shard) for shard in row.shards.split()),
        scopes=tuple(row.scopes.split()),
        is_active=bool(row.is_active),
    )


def _to_channel(row: Sequence[Any]) -> Channel:
    id_, shard, member_, format_, packed = row
    settings = msgspec.json.decode(bytes(packed))
    return Channel(
        id=id_,
        shard=shard,
        member=member_,
        format=format_,
        mappings=tuple(settings["mappings"]),
        charset=settings["charset"],
        zone=settings["zone"],
        policy=settings["policy"],
        options=settings["options"],
    )
