"""``gateway relay``: keep and forward on a front machine that may only connect outwards."""

import signal
from pathlib import Path
from threading import Event

import click

from gateway.carriers.spool import Spool
from gateway.relay import read_options, running
from gateway.telemetry import configure_logging
from gateway.wiring import utc_now

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def relay() -> None:
    """Take records beside the HIS and hand them to the gateway. 前置机转发。"""


@relay.command()
@_FILE
def run(file: Path) -> None:
    """Run until interrupted. 运行。"""
    options = read_options(file)
    configure_logging("INFO")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with running(options, utc_now):
        click.echo(f"relay {options.gateway.url}: {', '.join(options.channels)}")
        stop.wait()


@relay.command()
@_FILE
def status(file: Path) -> None:
    """Tell what waits and what was refused, by channel. 查看积压。"""
    spool = Spool(read_options(file).spool)
    try:
        for channel, waiting, refused in spool.counts():
            click.echo(f"{channel}\t{waiting} waiting 待传\t{refused} refused 被拒")
    finally:
        spool.close()


@relay.command()
@_FILE
def retry(file: Path) -> None:
    """Send the refused messages once more, after the cause was mended. 重传被拒的消息。"""
    spool = Spool(read_options(file).spool)
    try:
        click.echo(f"{spool.again()} waiting again 已重新排队")
    finally:
        spool.close()
