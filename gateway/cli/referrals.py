"""``gateway referrals``: the registers of the referral office, and one referral's whole way."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from gateway.cli.options import settings_of, with_settings
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.reactions import literal, name
from gateway.records import Json, Resource, Visibility
from gateway.referral import REGISTERS, Way, search_of, timeline
from gateway.store import Store
from gateway.wiring import open_store, utc_now

SHARD = click.option("--shard", default=1, show_default=True, help="Shard of the consortium.")


@click.group()
def referrals() -> None:
    """Referrals: registers and one way's page. 双向转诊：登记簿与全程。"""


@referrals.command("list")
@with_settings
@SHARD
@click.argument("register", type=click.Choice(list(REGISTERS)))
@click.option("--period", help="Only those written then: a FHIR date such as 2026-11.")
@click.option("--limit", default=50, show_default=True)
def list_(shard: int, register: str, period: str | None, limit: int, **given: Any) -> None:
    """List a register, the newest first. 列出登记簿。"""
    type_, pairs = search_of(register, period)
    with _store(**given) as store:
        query = store.query(
            shard, (type_,), [*pairs, ("_count", str(limit)), ("_total", "accurate")]
        )
        page = store.search(Visibility(shard, "", sees_all=True), query)
        for stored in page.matches:
            one = codec.decode_stored(stored.body)
            due = one.get("restriction", {}).get("period", {}).get("end", "")
            reason = _said(one.get("statusReason"))
            words = (name(one), one["status"], stored.owner, one.get("authoredOn", ""), due, reason)
            click.echo("  ".join(word for word in words if word))
    click.echo(f"{register}: {page.total}")


@referrals.command("timeline")
@with_settings
@SHARD
@click.argument("id_", metavar="ID")
def timeline_(shard: int, id_: str, **given: Any) -> None:
    """Tell all that happened to a referral (its ServiceRequest's id). 一页看全程。"""
    settings = settings_of(**given)
    zone = ZoneInfo(settings.zone)

    def local(at_us: int) -> str:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
        return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")

    with _store(**given) as store:
        reading = store.reading(shard)
        order = reading.read("ServiceRequest", id_)
        if order is None:
            raise GatewayError("GW-7002", type="ServiceRequest")

        def name_of(reference: Json) -> str:
            target = literal(reference)
            entry = reading.read(*target) if target and target[0] == "Organization" else None
            return str((entry or {}).get("name") or (reference or {}).get("display", ""))

        number = order.get("requisition", {})
        token = f"{number.get('system', '')}|{number.get('value', '')}"
        orders = tuple(reading.find("ServiceRequest", requisition=token))
        based = ",".join(name(one) for one in orders)
        way = Way(
            orders,
            tuple(reading.find("Task", group_identifier=token)),
            tuple(reading.find("Encounter", based_on=based)),
            tuple(reading.find("Communication", based_on=based)),
        )
        page = timeline(way, name_of, utc_now(), local)
    click.echo(page["parameter"][-1]["valueMarkdown"])


def _said(concept: Resource | None) -> str:
    coded = (one.get("code", "") for one in (concept or {}).get("coding", ()))
    return (concept or {}).get("text") or next(coded, "")


@contextmanager
def _store(config: Path | None, data_dir: Path | None, database: str | None) -> Iterator[Store]:
    store = open_store(settings_of(config=config, data_dir=data_dir, database=database))
    try:
        yield store
    finally:
        store.close()
