"""``gateway demo``: one patient's story across a consortium, through the real entrances."""

import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click
import requests

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.cli.demo.screen import Screen
    from gateway.cli.demo.world import World


@click.command()
@click.option("--exit", "is_ending", is_flag=True, help="End the server after the story.")
@click.option("--port", default=8080, show_default=True, help="Port of the server.")
@click.option(
    "--data", "data_dir", default=Path("data/demo"), type=click.Path(path_type=Path),
    show_default=True, help="Data folder; emptied first.",
)  # fmt: skip
def demo(is_ending: bool, port: int, data_dir: Path) -> None:
    """Play one patient's story across a consortium and leave the server up.

    一位患者的完整故事：上转、检验、接收、入院、出院与下转、医保结算、监管。
    """
    from gateway.cli.demo.links import link_of
    from gateway.cli.demo.screen import Screen
    from gateway.cli.demo.world import free_port, is_free, new_world

    # The server is a process of its own; however this one is asked to end, it ends that one first.
    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, _interrupt)
    if is_ending or not is_free(port):
        port = free_port()
    world = new_world(data_dir, port)
    screen = Screen(partial(link_of, world))
    try:
        is_held = _play(world, screen)
        if not is_ending:
            _stay(world, screen)
    finally:
        world.stop()
    if not is_held:
        sys.exit(1)


def _play(world: "World", screen: "Screen") -> bool:
    from gateway.cli.demo.reports import Report
    from gateway.cli.demo.steps import STEPS

    is_held = True
    with screen.progress(len(STEPS) + 2) as progress:
        bar = progress.task_ids[0]
        progress.update(bar, description="setting up the consortium 建立医共体")
        world.seed()
        progress.advance(bar)
        progress.update(bar, description="starting the server 启动服务")
        world.start()
        world.sign_in()
        progress.advance(bar)
        for step in STEPS:
            progress.update(bar, description=(step.__doc__ or "").split("\n")[0])
            try:
                report = step(world)
            except (requests.RequestException, GatewayError, LookupError, OSError) as error:
                report = Report((step.__doc__ or step.__name__).split("\n")[0])
                report.check(f"{type(error).__name__}: {error}", False)
            is_held = is_held and report.is_held
            screen.report(report)
            progress.advance(bar)
    verdict = "every step held 每一步都成立" if is_held else "a step did not hold 有步骤不成立"
    screen.say("", f"[bold]{verdict}[/bold]")
    return is_held


def _stay(world: "World", screen: "Screen") -> None:
    """Print links and leave the server up until it is interrupted."""
    from gateway.cli.demo.links import links

    with suppress(KeyboardInterrupt):
        screen.links(links(world))
        screen.say(
            "",
            f"The server stays up at {world.url} – end it with Ctrl-C. 按 Ctrl-C 结束。",
            f"curl -H 'Authorization: Bearer {world.tokens['qs-township']}' \\",
            f"     '{world.url}/fhir/ServiceRequest?_pretty=true'",
        )
        while True:
            signal.pause()


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal's arguments.
    raise KeyboardInterrupt
