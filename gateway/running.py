"""What runs beside the web server: recovery after a crash, MLLP listeners, the worker.

``gateway serve`` runs them in its parent process, so that there is one of each however many
server processes answer requests; ``gateway worker`` runs the worker alone.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from random import SystemRandom

from gateway.delivery import AddressGuard, Backoff, Dispatcher, Sender
from gateway.intake.hl7v2 import receiver
from gateway.intake.mllp import Limits, MLLPListener
from gateway.outlets import Outlets
from gateway.sealing import start_sealer
from gateway.telemetry import log
from gateway.upkeep import Upkeep
from gateway.wiring import Runtime
from gateway.worker import Worker, start_thread

LOG = log("running")
ANY_LEASE = timedelta(days=1)


@contextmanager
def beside(runtime: Runtime) -> Iterator[None]:
    """Recover, listen and deliver while the block runs; finish what is in work."""
    _recover(runtime)
    with listening(runtime):
        endings = (
            start_thread(build_worker(runtime)),
            start_sealer(runtime.store, runtime.pipeline.secret),
        )
        try:
            yield
        finally:
            for finish in endings:
                finish()


def build_worker(runtime: Runtime) -> Worker:
    """Wire a worker to the runtime's store and settings."""
    settings = runtime.settings
    sender = Sender(
        AddressGuard.from_setting(settings.allowed_networks),
        f"{settings.public_url}/fhir",
        runtime.clock,
    )
    outlets = Outlets(runtime.store, sender, runtime.pipeline.secret, runtime.access.viewer)
    backoff = Backoff(SystemRandom().random)
    return Worker(
        runtime.store,
        Dispatcher(runtime.store.outbox, outlets, backoff, runtime.clock),
        now=runtime.clock,
        recover=runtime.pipeline.recover,
        maintain=Upkeep(runtime.store, settings, runtime.clock),
    )


def listening(runtime: Runtime) -> ExitStack:
    """Open the MLLP port of every channel whose options name one; closing the stack ends them."""
    limits = Limits(max_message_bytes=runtime.settings.max_message_bytes)
    with ExitStack() as opening:
        for channel in runtime.store.registry.channels():
            if place := channel.options.get("mllp"):
                listener = MLLPListener(
                    place.get("host", "127.0.0.1"),
                    int(place["port"]),
                    receiver(runtime.pipeline, channel, runtime.clock),
                    limits=limits,
                )
                opening.enter_context(listener)
        return opening.pop_all()


def _recover(runtime: Runtime) -> None:
    """Finish what a dead process left; beside the embedded database nobody else can be at work."""
    is_alone = runtime.settings.database_url.startswith("sqlite")
    done = runtime.pipeline.recover(ahead=ANY_LEASE if is_alone else timedelta(0))
    if done:
        LOG.warning("messages of a crashed process finished", messages=done)
