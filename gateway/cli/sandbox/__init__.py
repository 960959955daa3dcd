"""``gateway sandbox``: a county of invented people, five hospitals, five vendors' shapes."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.options import settings_of, with_settings

if TYPE_CHECKING:
    from gateway.cli.sandbox.checking import Findings

_FOLDER = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
_SHOWN = 20


@click.group()
def sandbox() -> None:
    """A county to try things out: written, played by its carriers, checked. 虚构的县。"""


@sandbox.command()
@_FOLDER
@click.option("--patients", default=200, show_default=True, help="Number of people 人数")
@click.option("--days", default=30, show_default=True, help="Days that are told 天数")
@click.option("--dirty", default=0.02, show_default=True, help="Share of dirty records 脏数据比例")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same county.")
@click.option("--shard", default=2, show_default=True, help="Shard of the county's consortium.")
@click.option("--mllp-port", default=2590, show_default=True, help="First of two MLLP ports.")
@click.option(
    "--view-url",
    help="Database of the hospital with views, such as mysql+pymysql://his@127.0.0.1/his; its "
    "password is read from SANDBOX_VIEW_PASSWORD. Without it: a SQLite file in FOLDER.",
)
def write(folder: Path, view_url: str | None, **given: Any) -> None:
    """Write a county into FOLDER: consortium, messages of five vendors, and the truth. 生成。"""
    from gateway.cli.sandbox.writing import Plan
    from gateway.cli.sandbox.writing import write as write_county

    url = view_url or f"sqlite:///{folder.absolute()}/his.db"
    counted = write_county(Plan(folder, view_url=url, **given))
    for name, count in sorted(counted.items()):
        click.echo(f"{count:8d}  {name}")
    click.echo(f"next 下一步: gateway sandbox apply {folder}")


@sandbox.command("apply")
@_FOLDER
@with_settings
def apply_(folder: Path, **given: Any) -> None:
    """Register the county's members, channels and clients. 登记成员、通道与客户端。"""
    from gateway.cli.sandbox.setting_up import register
    from gateway.wiring import build_runtime

    runtime = build_runtime(settings_of(**given))
    try:
        register(runtime, folder)
    finally:
        runtime.close()
    click.echo(f"next 下一步: gateway serve; gateway sandbox play {folder}")


@sandbox.command()
@_FOLDER
@click.option("--gateway", "url", default="http://127.0.0.1:8080", show_default=True)
@click.option("--patience", default=60.0, show_default=True, help="Seconds to wait for a gateway.")
def play(folder: Path, url: str, patience: float) -> None:
    """Send the county's messages, each hospital by its own carrier. 按各院的方式发送。"""
    from rich.console import Console
    from rich.progress import Progress

    from gateway.cli.sandbox.playing import County, messages
    from gateway.cli.sandbox.playing import play as play_county

    total = sum(1 for _ in messages(folder))
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("sending 发送", total=total)
        play_county(County(folder, url, patience, lambda by: progress.advance(bar, by)))
    click.echo(f"{total} sent 已发送; next 下一步: gateway sandbox check {folder}")


@sandbox.command()
@_FOLDER
@click.option("--wait", default=60.0, show_default=True, help="Seconds until all must be there.")
@with_settings
def check(folder: Path, wait: float, **given: Any) -> None:
    """Compare what the gateway holds with the truth; exit with 1 where they differ. 核对。"""
    from gateway.cli.sandbox.checking import check as check_county
    from gateway.cli.sandbox.setting_up import shard_of
    from gateway.wiring import open_store

    store = open_store(settings_of(**given))
    try:
        until = time.monotonic() + wait
        found = check_county(store, shard_of(folder), folder)
        while found.wrong and time.monotonic() < until:
            time.sleep(2)
            found = check_county(store, shard_of(folder), folder)
    finally:
        store.close()
    _tell(found)


def _tell(found: "Findings") -> None:
    for kind, count in sorted(found.held.items()):
        click.echo(f"{count:8d}  {kind}: as told 与事实一致")
    for line in found.wrong[:_SHOWN]:
        click.echo(f"   wrong  {line}")
    if len(found.wrong) > _SHOWN:
        click.echo(f"   … {len(found.wrong) - _SHOWN} more 条未列出")
    if found.wrong:
        sys.exit(1)
    click.echo("everything arrived once, every parked record has its reason 全部一致")
