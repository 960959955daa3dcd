"""Store what dead processes left of the audit trail, and seal it each second, in every shard."""

import threading
from collections.abc import Callable

from gateway.errors import GatewayError
from gateway.records import UNNAMED
from gateway.store import Store
from gateway.telemetry import log

LOG = log("audit")
EVERY_S = 1.0


def start_sealer(store: Store, secret: bytes) -> Callable[[], None]:
    """Seal in a thread, at once to begin with; what is given back seals what is left and ends it.

    Several sealers take turns. While the store is away the rows wait.
    """
    chain, stop = store.audit_chain(secret), threading.Event()

    def seal() -> None:
        try:
            store.audit.collect()
            for shard in (UNNAMED, *store.registry.shards()):
                chain.seal(shard)
        except GatewayError as error:
            LOG.warning("audit trail not sealed", error=error.number)

    def run() -> None:
        while True:
            seal()
            if stop.wait(EVERY_S):
                break
        seal()

    thread = threading.Thread(target=run, name="sealer", daemon=True)
    thread.start()

    def finish() -> None:
        stop.set()
        thread.join()

    return finish
