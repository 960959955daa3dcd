"""``gateway member``: the members of the consortia."""

import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from gateway.cli.options import settings_of, with_settings
from gateway.delivery import AddressGuard
from gateway.onboarding import STEPS, Step, found_member, plan, report, steps
from gateway.wiring import build_runtime, open_store, utc_now

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def member() -> None:
    """Members of the consortium. 成员机构（用 gateway consortium 从文件登记）。"""


@member.command("list")
@with_settings
def list_(config: Path | None, data_dir: Path | None, database: str | None) -> None:
    """List the members of every consortium. 列出成员机构。"""
    store = open_store(settings_of(config, data_dir=data_dir, database=database))
    try:
        for tenant in store.registry.tenants():
            click.echo(f"{tenant.id}\t{tenant.name}")
            for one in store.registry.members(tenant.shard):
                roles = ",".join(one.roles)
                click.echo(f"  {one.id}\t{one.name}\t{roles}\t{one.uscc or ''}")
    finally:
        store.close()


@member.command()
@click.argument("name")
@click.option("--agreement", type=_DAY, help="Day the agreement is due 协议签订日期")
@click.option("--link", type=_DAY, help="Day the system is to be linked 系统联通日期")
@click.option("--live", type=_DAY, help="Day it is to go into service 上线日期")
@click.option("--done", multiple=True, type=click.Choice(STEPS), help="A step that is done 已完成")
@with_settings
def onboard(
    *,
    name: str,
    agreement: datetime | None,
    link: datetime | None,
    live: datetime | None,
    done: tuple[str, ...],
    config: Path | None,
    data_dir: Path | None,
    database: str | None,
) -> None:
    """Agree on the days of a member's steps, and note which are done. 入网步骤。"""
    runtime = build_runtime(settings_of(config, data_dir=data_dir, database=database))
    try:
        store, pipeline = runtime.store, runtime.pipeline
        one = found_member(store, name)
        known = {step.name: step for step in steps(store, one)}
        for step, day in zip(STEPS, (agreement, link, live), strict=True):
            if day is not None:
                known[step] = Step(step, day.date(), is_done=False)
        for step in done:
            if step not in known:
                raise click.UsageError(f"--{step}: no day was agreed 未约定日期")
            known[step] = Step(step, known[step].due, is_done=True)
        agreed = list(known.values())
        plan(store, pipeline.preparer, pipeline.secret, one, agreed, runtime.clock())
    finally:
        runtime.close()
    for step_ in agreed:
        state = "已完成 done" if step_.is_done else "未完成 open"
        click.echo(f"{step_.name}\t{step_.due}\t{state}")


@member.command("report")
@click.argument("name")
@with_settings
def report_(name: str, config: Path | None, data_dir: Path | None, database: str | None) -> None:
    """Report what a member lacks; ends with 1 where something does. 入网符合性报告。"""
    settings = settings_of(config, data_dir=data_dir, database=database)
    now = utc_now().astimezone(ZoneInfo(settings.zone))
    guard = AddressGuard.from_setting(settings.allowed_networks)
    store = open_store(settings)
    try:
        findings = report(store, found_member(store, name), guard.check, now)
    finally:
        store.close()
    for one in findings:
        remedy = f" → {one.remedy}" if one.remedy and not one.is_met else ""
        click.echo(f"{'ok ' if one.is_met else 'NO '} {one.text}{remedy}")
    if not all(one.is_met for one in findings):
        sys.exit(1)
