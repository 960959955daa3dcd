"""``gateway worker``: deliveries as a process of its own."""

import signal
import threading

import click

from gateway.running import build_worker
from gateway.settings import load_settings
from gateway.telemetry import configure_logging
from gateway.wiring import build_runtime


@click.command()
def worker() -> None:
    """Send what waits in the outbox until it is told to stop; several may run at once."""
    settings = load_settings()
    configure_logging(settings.log_level)
    runtime = build_runtime(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        build_worker(runtime).run(stop)
    finally:
        runtime.close()
