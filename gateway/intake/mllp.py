"""Listen for HL7 v2 over MLLP: one thread a connection, one message at a time on each.

The listener knows nothing of HL7: it frames, limits, and calls ``receive`` with the message and
the peer's address. What that returns is sent back, nothing where it is empty (the sender wants no
answer); None means that nothing could be promised, so nothing is acknowledged and the connection
is closed (the sender keeps its message and tries again). While a message is worked on its
connection is not read, which is the back-pressure.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import structlog

from gateway.errors import GatewayError
from gateway.formats.mllp import Deframer, FramingFault, frame

LOG = structlog.get_logger(__name__)

Receive = Callable[[bytes, str], bytes | None]
_CHUNK_BYTES = 65_536
_MAX_FAULTS = 10
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Limits:
    """What one listener puts up with; times in seconds."""

    max_message_bytes: int = 20 * 1024 * 1024
    max_connections: int = 64
    idle_s: float = 300.0
    message_s: float = 30.0


def demand_free(host: str, port: int) -> None:
    """Raise OSError when somebody listens there, which those who share a port would not notice."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    socket.create_server((host, port), family=family).close()


class MLLPListener:
    """A TCP server for MLLP; start it, close it, or use it as a context manager.

    Connections beyond ``max_connections`` are closed at once. A connection that sends nothing for
    ``idle_s``, that does not finish a frame in ``message_s``, sends an oversized frame or repeats
    framing faults is closed. ``tls`` is a server-side context, with client certificates where the
    site demands them. ``port`` is the one listened on, chosen by the system when 0 was asked for.
    ``is_shared``: other processes of the same user listen on it too, and the system gives each
    new connection to one of them.
    """

    def __init__(
        self,
        host: str,
        port: int,
        receive: Receive,
        *,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        is_shared: bool = False,
    ) -> None:
        self._receive = receive
        self._limits = limits or Limits()
        self._tls = tls
        self._stopping = threading.Event()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server = socket.create_server(
            (host, port), family=family, backlog=128, reuse_port=is_shared
        )
        self._server.settimeout(_POLL_S)
        self.port: int = self._server.getsockname()[1]
        self._acceptor = threading.Thread(
            target=self._accept, name=f"mllp-{self.port}", daemon=True
        )

    def start(self) -> Self:
        """Begin to accept connections."""
        self._acceptor.start()
        return self

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop accepting, let messages in work finish and be answered, then end connections."""
        self._stopping.set()
        if self._acceptor.is_alive():
            self._acceptor.join(timeout_s)
        self._server.close()
        with self._lock:
            open_ = list(self._connections.items())
        for thread, _ in open_:
            thread.join(timeout_s)
        for thread, connection in open_:
            if thread.is_alive():
                _shut(connection)
                thread.join(_POLL_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, address = self._server.accept()
            except TimeoutError:
                continue
            except OSError as error:
                # Out of file descriptors, or a peer gone before it was accepted: wait, go on.
                LOG.warning("mllp accept failed", reason=type(error).__name__)
                self._stopping.wait(_POLL_S)
                continue
            self._admit(connection, f"{address[0]}:{address[1]}")

    def _admit(self, connection: socket.socket, peer: str) -> None:
        thread = threading.Thread(
            target=self._converse, args=(connection, peer), name=f"mllp-{peer}", daemon=True
        )
        with self._lock:
            if len(self._connections) >= self._limits.max_connections:
                LOG.warning("mllp connection refused", peer=peer, reason="too many")
                _shut(connection)
                return
            self._connections[thread] = connection
        thread.start()

    def _converse(self, connection: socket.socket, peer: str) -> None:
        try:
            connection.settimeout(_POLL_S)
            if self._tls is not None:
                connection.settimeout(self._limits.message_s)
                connection = self._tls.wrap_socket(connection, server_side=True)
                connection.settimeout(_POLL_S)
                with self._lock:
                    self._connections[threading.current_thread()] = connection
            _Conversation(connection, peer, self._receive, self._limits, self._stopping).run()
        except (OSError, ssl.SSLError) as error:
            LOG.info("mllp connection lost", peer=peer, reason=type(error).__name__)
        finally:
            _shut(connection)
            with self._lock:
                self._connections.pop(threading.current_thread(), None)


class _Conversation:
    """One connection from its first byte to its end."""

    def __init__(
        self,
        connection: socket.socket,
        peer: str,
        receive: Receive,
        limits: Limits,
        stopping: threading.Event,
    ) -> None:
        self._connection = connection
        self._peer = peer
        self._receive = receive
        self._limits = limits
        self._stopping = stopping
        self._deframer = Deframer(limits.max_message_bytes)
        self._faults = 0

    def run(self) -> None:
        """Read until the peer ends, a limit is passed, or the listener stops between messages."""
        heard_s = framed_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            if not self._deframer.is_within_frame:
                framed_s = now_s
            if now_s - heard_s > self._limits.idle_s or now_s - framed_s > self._limits.message_s:
                break
            if self._stopping.is_set() and not self._deframer.is_within_frame:
                return
            try:
                data = self._connection.recv(_CHUNK_BYTES)
            except TimeoutError:
                continue
            if not data or not self._take(data):
                break
            heard_s = time.monotonic()
        self._end()

    def _take(self, data: bytes) -> bool:
        """Work through what arrived; False ends the connection."""
        for found in self._deframer.feed(data):
            if isinstance(found, FramingFault):
                self._note(found.error)
                self._faults += 1
                if found.is_fatal or self._faults > _MAX_FAULTS:
                    return False
                continue
            answer = self._answer(found)
            if answer is None:
                return False
            if not answer:
                continue
            self._connection.settimeout(self._limits.message_s)
            self._connection.sendall(frame(answer))
            self._connection.settimeout(_POLL_S)
        return True

    def _answer(self, message: bytes) -> bytes | None:
        try:
            return self._receive(message, self._peer)
        except GatewayError as error:
            # The receiver answers refusals itself; what reaches this line was promised to nobody.
            self._note(error)
            return None

    def _end(self) -> None:
        for fault in self._deframer.close():
            self._note(fault.error)

    def _note(self, error: GatewayError) -> None:
        LOG.warning("mllp fault", peer=self._peer, error=error.number, text=error.text_en)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The peer may be gone already; closing is all that is left to do.
        LOG.debug("mllp peer already gone")
    connection.close()
