"""``gateway serve``: the FHIR API, the intakes, the console and the worker."""

import multiprocessing
import os
from pathlib import Path

import click

from gateway.cli.options import note_listening, settings_of, with_plain_settings
from gateway.running import beside
from gateway.settings import Settings
from gateway.telemetry import configure_logging
from gateway.wiring import build_runtime, settle

_SANDBOX = (
    "沙箱模式：不做身份验证，任何本机程序都可读写。请勿放入真实病历。\n"
    "SANDBOX: no authentication; every program on this machine may read and write. "
    "Never put real records here."
)


@click.command()
@click.option("--listen", "listen_", metavar="HOST:PORT", help="Address 监听地址")
@click.option("--workers", type=click.IntRange(1), help="Server processes 服务进程数")
@click.option("--threads", type=click.IntRange(1), help="Threads per process 每进程线程数")
@click.option("--sandbox", is_flag=True, default=None, help="No authentication, loopback only 沙箱")
@with_plain_settings
def serve(
    *,
    listen_: str | None,
    workers: int | None,
    threads: int | None,
    sandbox: bool | None,
    config: Path | None,
    data_dir: Path | None,
    database: str | None,
) -> None:
    """Serve until interrupted. 启动服务。"""
    settings = settings_of(
        config,
        listen=listen_,
        workers=workers,
        threads=threads,
        sandbox=sandbox,
        data_dir=data_dir,
        database=database,
    )
    configure_logging(settings.log_level)
    _export(settings, config)
    if settings.sandbox:
        click.secho(_SANDBOX, err=True, bold=True, fg="red")
    # The parent runs threads of its own (worker, MLLP), so its children must not be forked.
    multiprocessing.set_start_method("spawn", force=True)
    runtime = build_runtime(settings)
    try:
        settle()
        with beside(runtime):
            note_listening(settings)
            _serve_http(settings)
    finally:
        runtime.close()


def _serve_http(settings: Settings) -> None:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    host, _, port = settings.listen.rpartition(":")
    server = Granian(
        "gateway.app:supervised",
        factory=True,
        address=host.strip("[]"),
        port=int(port),
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        backpressure=settings.threads * 4,
        websockets=False,
        log_level=LogLevels(settings.log_level.lower()),
        respawn_failed_workers=True,
        workers_kill_timeout=15,
    )
    server.serve()


def _export(settings: Settings, config: Path | None) -> None:
    """Hand the settings on to the server processes, which read them from the environment."""
    if config is not None:
        os.environ["GATEWAY_CONFIG"] = str(config.resolve())
    # Else the C library keeps up to eight heaps a core for the threads, each with free space.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    for name, value in (
        ("LISTEN", settings.listen),
        ("DATA_DIR", str(settings.data_dir)),
        ("DATABASE", settings.database),
        ("WORKERS", str(settings.workers)),
        ("THREADS", str(settings.threads)),
        ("SANDBOX", str(settings.sandbox).lower()),
    ):
        os.environ[f"GATEWAY_{name}"] = value
