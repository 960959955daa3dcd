"""Over MLLP: one connection for one message, taken once the receiver says AA or CA."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from gateway.carriers.outgoing.native import Native, judged, unreadable
from gateway.carriers.outgoing.options import Port
from gateway.delivery import AddressGuard, Answered, Failed
from gateway.errors import KINDS, GatewayError
from gateway.formats.hl7v2_answer import read_acknowledgement
from gateway.formats.mllp import Deframer, frame

CONNECT_S = 5.0
ANSWER_S = 15.0
MAX_BYTES = 1_000_000


class MLLPWay:
    """One listener of a receiver."""

    def __init__(self, port: Port, guard: AddressGuard, answer_s: float = ANSWER_S) -> None:
        self._port, self._guard, self._answer_s = port, guard, answer_s

    def hand(self, key: str, make: Callable[[], Native]) -> Answered:
        """Send the message and wait for its acknowledgement."""
        host = self._port.host
        try:
            address = self._guard.check_host(host, self._port.port)
        except GatewayError as error:
            return Failed(error, is_permanent=not KINDS[error.kind].is_retried)
        message = make()
        content = message.content
        try:
            with self._connected(address) as connection:
                connection.sendall(frame(content))
                answer = self._answer(connection)
        except ssl.SSLError:
            return Failed(GatewayError("GW-6108", host=host), is_permanent=False)
        except OSError as err:
            cause = "timeout" if isinstance(err, TimeoutError) else type(err).__name__
            return Failed(GatewayError("GW-6104", host=host, cause=cause), is_permanent=False)
        told = read_acknowledgement(answer, message.charset)
        if told is None or told.control_id != key:
            return unreadable(host)
        return judged(told.code, host, told.condition)

    @contextmanager
    def _connected(self, address: str) -> Iterator[socket.socket]:
        """Connect to the checked address; TLS asks for and checks the host's name."""
        connection = socket.create_connection((address, self._port.port), timeout=CONNECT_S)
        with connection:
            if not self._port.is_tls:
                yield connection
                return
            context = ssl.create_default_context()
            with context.wrap_socket(connection, server_hostname=self._port.host) as secured:
                yield secured

    def _answer(self, connection: socket.socket) -> bytes:
        """Read one framed message, however slowly it comes within the time."""
        deframer = Deframer(MAX_BYTES)
        deadline = monotonic() + self._answer_s
        while True:
            connection.settimeout(max(deadline - monotonic(), 0.001))
            data = connection.recv(65_536)
            if not data:
                raise ConnectionResetError
            for found in deframer.feed(data):
                if isinstance(found, bytes):
                    return found
                if found.is_fatal:
                    raise ConnectionAbortedError
            if monotonic() > deadline:
                raise TimeoutError
