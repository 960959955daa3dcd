"""``gateway worker``: deliveries as a process of its own."""

import signal
import threading
from typing import Any

import click

from gateway.cli.options import settings_of, with_plain_settings
from gateway.running import build_worker
from gateway.telemetry import configure_logging
from gateway.wiring import build_runtime


@click.command()
@with_plain_settings
def worker(**given: Any) -> None:
    """Send what waits in the outbox until told to stop; several may run at once. 投递进程。"""
    settings = settings_of(**given)
    configure_logging(settings.log_level)
    runtime = build_runtime(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        build_worker(runtime).run(stop)
    finally:
        runtime.close()
