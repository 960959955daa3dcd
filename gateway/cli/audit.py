"""``gateway audit``: check the trail of accesses, and tell a patient who saw what."""

import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from gateway.cli.options import settings_of, with_settings
from gateway.errors import GatewayError
from gateway.fhir.ids import person_id
from gateway.fhir.systems import ID_CARD
from gateway.records import UNNAMED, Audited
from gateway.settings import Settings
from gateway.store import Store, Wanted
from gateway.wiring import open_store, utc_now

PAGE = 500


@click.group()
def audit() -> None:
    """The audit trail: verify, list, one patient's report. 审计记录。"""


@audit.command("verify")
@with_settings
@click.option("--head", metavar="SHARD:NUMBER:DIGEST", help="A head noted earlier 先前记下的链头")
def verify(
    config: Path | None, data_dir: Path | None, database: str | None, head: str | None
) -> None:
    """Check every sealed block; exit code 1 when anything was changed. 校验审计链。

    Prints the head of each chain: note it elsewhere, so that a chain that was cut off shows.
    """
    settings = settings_of(config, data_dir=data_dir, database=database)
    store = open_store(settings)
    is_whole = True
    try:
        store.audit.settle()
        chain = store.audit_chain(settings.deployment_secret())
        for shard in (UNNAMED, *store.registry.shards()):
            chain.seal(shard)
            kept = _kept_since(settings)
            found = chain.verify(shard, noted=_noted(head, shard), kept_since=kept)
            number, digest = found.head or (0, "-")
            click.echo(
                f"shard {shard}: {found.blocks} blocks, {found.rows} rows, {found.pruned} pruned, "
                f"{found.open_rows} not sealed yet; head {shard}:{number}:{digest}"
            )
            for fault in found.faults:
                is_whole = False
                click.secho(f"  {fault}", fg="red")
    finally:
        store.close()
    click.echo("the chain holds 审计链完整" if is_whole else "THE CHAIN IS BROKEN 审计链已被破坏")
    if not is_whole:
        sys.exit(1)


@audit.command("list")
@with_settings
@click.option("--shard", default=1, show_default=True, help="Shard; 0: asked without a token.")
@click.option("--member", help="Accesses by one member's clients.")
@click.option("--resource", help="Accesses to one resource, Type/id.")
@click.option("--limit", default=50, show_default=True)
def list_(
    *,
    config: Path | None,
    data_dir: Path | None,
    database: str | None,
    shard: int,
    member: str | None,
    resource: str | None,
    limit: int,
) -> None:
    """List accesses, newest first. 列出访问记录。"""
    settings = settings_of(config, data_dir=data_dir, database=database)
    store = open_store(settings)
    try:
        touched = (resource,) if resource else ()
        _print(store.audit.find(shard, Wanted(member, touched), limit), settings)
    finally:
        store.close()


@audit.command("patient")
@with_settings
@click.option("--shard", default=1, show_default=True, help="Shard of the consortium.")
@click.option("--id-card", is_flag=True, help="Ask for an ID card number on the terminal.")
@click.argument("patient", required=False, metavar="[Patient/ID]")
def patient(
    *,
    config: Path | None,
    data_dir: Path | None,
    database: str | None,
    shard: int,
    id_card: bool,
    patient: str | None,
) -> None:
    """Report every access to anything about a person. 患者访问报告。

    Name a Patient, or type the ID card number: an argument would stay in the shell's history.
    """
    settings = settings_of(config, data_dir=data_dir, database=database)
    store = open_store(settings)
    try:
        person = _person(store, settings, shard, patient, is_card=id_card)
        before: int | None = None
        while True:
            wanted = Wanted(touched=(f"person:{person}",), before=before)
            rows = store.audit.find(shard, wanted, PAGE)
            _print(rows, settings)
            if len(rows) < PAGE:
                break
            before = rows[-1].key
    finally:
        store.close()


def _person(
    store: Store, settings: Settings, shard: int, patient: str | None, *, is_card: bool
) -> str:
    if is_card:
        number = click.prompt("ID card 身份证号", hide_input=True)
        return person_id(settings.deployment_secret(), ID_CARD, number.strip().upper())
    if not patient:
        raise click.UsageError("Name Patient/ID or give --id-card. 请指明患者。")
    id_ = patient.removeprefix("Patient/")
    person = store.reading(shard).person_of("Patient", id_)
    if person is None:
        raise GatewayError("GW-7002", type="Patient")
    return person


def _noted(head: str | None, shard: int) -> tuple[int, str] | None:
    if head is None:
        return None
    of_shard, _, rest = head.partition(":")
    number, _, digest = rest.partition(":")
    if not (of_shard.isdecimal() and number.isdecimal() and digest):
        raise click.UsageError("--head is SHARD:NUMBER:DIGEST as verify printed it.")
    return (int(number), digest) if int(of_shard) == shard else None


def _kept_since(settings: Settings) -> datetime | None:
    days = settings.keep_audit_days
    return utc_now() - timedelta(days=days) if days > 0 else None


def _print(rows: Iterable[Audited], settings: Settings) -> None:
    zone = ZoneInfo(settings.zone)
    for row in rows:
        at = row.at_utc.astimezone(zone).isoformat(" ", "seconds") if row.at_utc else "-"
        who = f"{row.member or '-'}/{row.client or '-'}" + (f"/{row.agent}" if row.agent else "")
        why = f" {row.purpose} {row.reason or ''}".rstrip() if row.purpose else ""
        end = f"{row.status}{' ' + row.error if row.error else ''}"
        click.echo(f"{at}  {who}{why}  {row.word}  {end}  {row.path}")
        for reference in row.seen.resources:
            click.echo(f"    {reference}")
