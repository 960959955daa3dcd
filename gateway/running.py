"""What runs beside the web server: recovery, MLLP listeners, carriers, the worker.

``gateway serve`` runs them in its parent process, so that there is one of each however many
server processes answer requests; ``gateway worker`` runs the worker alone.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from random import SystemRandom

from gateway import subscriptions
from gateway.activation import Activation
from gateway.carriers import outgoing
from gateway.carriers.folder import Folder, folder_options
from gateway.carriers.polling import Poller
from gateway.carriers.state import State
from gateway.carriers.taking import Refusal, Take, Taken
from gateway.carriers.view import View
from gateway.carriers.view_options import view_options
from gateway.deadlines import Deadlines
from gateway.delivery import (
    AddressGuard,
    Backoff,
    Dispatcher,
    Outlet,
    Sender,
    endpoint_secret,
)
from gateway.errors import GatewayError
from gateway.intake.hl7v2 import receiver
from gateway.intake.mllp import Limits, MLLPListener, demand_free
from gateway.interactions import Request
from gateway.mapping import MappingProgram
from gateway.outlets import Native, Outlets
from gateway.pipeline import Pipeline
from gateway.records import Channel, Principal, Visibility
from gateway.sealing import start_sealer
from gateway.telemetry import log
from gateway.trail import message_row, noted
from gateway.upkeep import Upkeep
from gateway.wiring import Runtime
from gateway.worker import Worker, start_thread

LOG = log("running")
ANY_LEASE = timedelta(days=1)


@contextmanager
def beside(runtime: Runtime) -> Iterator[None]:
    """Recover, listen and deliver while the block runs; finish what is in work."""
    _recover(runtime)
    with listening(runtime), carrying(runtime):
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
    guard = AddressGuard.from_setting(settings.allowed_networks)
    sender = Sender(guard, f"{settings.public_url}/fhir", runtime.clock)
    store, now = runtime.store, runtime.clock
    outlets = Outlets(store, sender, runtime.pipeline.secret, runtime.access.viewer, now)
    outlets.native = native_outlets(runtime, outgoing.Ways(sender, guard))

    def amend(principal: Principal, request: Request) -> None:
        runtime.pipeline.write(principal, [request])

    activation = Activation(store, outlets, sender, amend, now)
    outlets.told = activation.told
    return Worker(
        store,
        Dispatcher(store.outbox, outlets, Backoff(SystemRandom().random), now),
        now=now,
        recover=runtime.pipeline.recover,
        maintain=Upkeep(store, settings, now),
        chores=(activation, Deadlines(store, amend, now)),
    )


def native_outlets(runtime: Runtime, ways: outgoing.Ways) -> Native:
    """Make what gives the outlet of a channel; None for one that does not push (any more)."""

    def find(shard: int, id_: str, sight: Visibility) -> Outlet | None:
        channel = runtime.store.registry.channel(id_)
        if subscriptions.OPTION not in channel.options:
            return None
        library = runtime.pipeline.library

        def program() -> MappingProgram:
            library.refresh()
            return library.get(channel.mappings[0])

        secret = endpoint_secret(runtime.pipeline.secret, shard, channel.member)
        store, now = runtime.store, runtime.clock
        return outgoing.PushOutlet(store, channel, program, ways, secret, sight, now)

    return find


def listening(runtime: Runtime, *, is_joining: bool = False) -> ExitStack:
    """Open the MLLP port of every channel whose options name one; closing the stack ends them.

    The server processes join the first one at its ports, and the system gives each new connection
    to one of them. The first one finds them free, or this raises OSError.
    """
    limits = Limits(max_message_bytes=runtime.settings.max_message_bytes)
    with ExitStack() as opening:
        for channel in runtime.store.registry.channels():
            if place := channel.options.get("mllp"):
                host, port = place.get("host", "127.0.0.1"), int(place["port"])
                if not is_joining:
                    demand_free(host, port)
                take = noted(
                    runtime.store, channel, receiver(runtime.pipeline, channel, runtime.clock)
                )
                listener = MLLPListener(host, port, take, limits=limits, is_shared=True)
                opening.enter_context(listener)
        return opening.pop_all()


def carrying(runtime: Runtime) -> ExitStack:
    """Watch the folder and poll the view of every channel that has one; closing ends them.

    A channel whose options are wrong is logged and left out, so that it stops no other one.
    """
    with ExitStack() as opening:
        for channel in runtime.store.registry.channels():
            try:
                pollers = carriers_of(channel, runtime)
            except GatewayError as error:
                LOG.warning("carrier left out", channel=channel.id, error=error.number)
                continue
            for poller in pollers:
                opening.enter_context(poller)
        return opening.pop_all()


def carriers_of(channel: Channel, runtime: Runtime) -> list[Poller]:
    """Give the pollers that a channel's options name; raise GW-1041, GW-1051."""
    take = taker(runtime.pipeline, channel.id)
    pollers = []
    if told := channel.options.get("folder"):
        options = folder_options(told, runtime.settings.max_message_bytes)
        pollers.append(Poller(channel.id, Folder(options, take), options.every_s))
    if told := channel.options.get("view"):
        view = view_options(told)
        state = State(runtime.settings.data_dir / "carriers" / f"{channel.id}.sqlite")
        pollers.append(Poller(channel.id, View(view, state, take), view.every_s))
    return pollers


def taker(pipeline: Pipeline, channel: str) -> Take:
    """Make the function by which a carrier gives its messages to the pipeline."""

    def take(raw: bytes, carrier: str) -> Taken:
        envelope = pipeline.receive(channel, raw, peer=carrier)
        results = pipeline.process(envelope)
        order = ("parked", "stored", "stale", "unchanged")
        found = {one.status for one in results}
        status = next((one for one in order if one in found), "empty")
        refusals = tuple(
            Refusal(one.error or "GW-1900", one.place, one.text_zh or "", one.text_en or "")
            for one in results
            if one.status == "parked"
        )
        told = message_row(envelope.channel, "CARRIER", carrier, 422 if refusals else 200)
        pipeline.store.audit.append(told)
        return Taken(envelope.message_id, status, envelope.is_duplicate, refusals)

    return take


def _recover(runtime: Runtime) -> None:
    """Finish what a dead process left; beside the embedded database nobody else can be at work."""
    is_alone = runtime.settings.database_url.startswith("sqlite")
    done = runtime.pipeline.recover(ahead=ANY_LEASE if is_alone else timedelta(0))
    if done:
        LOG.warning("messages of a crashed process finished", messages=done)
