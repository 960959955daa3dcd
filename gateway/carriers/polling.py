"""Ask a carrier again and again, in a thread of its own, until it is told to stop."""

import threading
from typing import Protocol, Self

from gateway.errors import GatewayError
from gateway.telemetry import log, log_bug

LOG = log("carriers")
LONGEST_PAUSE_S = 60.0


class Polled(Protocol):
    """A carrier that fetches."""

    def poll(self) -> int:
        """Take what is there and give how many messages; raise GatewayError when it cannot."""

    def close(self) -> None:
        """Let go of files and connections."""


class Poller:
    """Polls one carrier every ``every_s`` seconds; after failures with growing pauses."""

    def __init__(self, name: str, carrier: Polled, every_s: float) -> None:
        self._name, self.carrier, self._every_s = name, carrier, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"carrier-{name}", daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop after the message in work."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        pause = self._every_s
        while not self._stop.is_set():
            try:
                self.carrier.poll()
                pause = self._every_s
            except GatewayError as error:
                pause = min(max(pause * 2, self._every_s), max(LONGEST_PAUSE_S, self._every_s))
                LOG.warning("carrier waits", carrier=self._name, error=error.number, pause_s=pause)
            except Exception as bug:  # noqa: BLE001 - our own bug: logged, the next poll tries again.
                pause = LONGEST_PAUSE_S
                log_bug(LOG, bug, carrier=self._name)
            self._stop.wait(pause)
        self.carrier.close()
