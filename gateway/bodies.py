"""Slow clients: how many requests may wait for their body at once.

A body is read by the thread that answers, and the server sets no time for it. Whoever sends a
little of it and then nothing keeps the thread for as long as the connection lasts; so some
threads are always left to those who send nothing or send it at once.
"""

import threading
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LEFT = 4
"""Threads of a server process that never wait for a body."""
PATIENCE_S = 0.25
_EMPTY = frozenset({None, "", "0"})


class Bodies:
    """A WSGI application in front of another whose bodies are read by a bounded number."""

    def __init__(self, behind: "WSGIApplication", threads: int) -> None:
        self._behind = behind
        self._places = threading.BoundedSemaphore(max(threads - LEFT, 1))

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Hand the request on; its body waits for a place when it is read."""
        if environ.get("CONTENT_LENGTH") not in _EMPTY or "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = _Body(environ["wsgi.input"], self._places)
        return self._behind(environ, start_response)


class _Body:
    """The body of one request; raises GW-7090 where no place comes free soon."""

    def __init__(self, stream: IO[bytes], places: threading.BoundedSemaphore) -> None:
        self._stream, self._places = stream, places

    def read(self, size: int = -1, /) -> bytes:
        """Read so many octets, all by default."""
        self._enter()
        try:
            return self._stream.read(size)
        finally:
            self._places.release()

    def readline(self, size: int = -1, /) -> bytes:
        """Read a line, or so many octets of it."""
        self._enter()
        try:
            return self._stream.readline(size)
        finally:
            self._places.release()

    def _enter(self) -> None:
        if not self._places.acquire(timeout=PATIENCE_S):
            raise GatewayError("GW-7090", retry_after_s=5)
