"""The MLLP listener over real sockets: bad input ends a connection at most, never the listener."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.formats.mllp import frame
from gateway.intake.mllp import Limits, MLLPListener, demand_free
from tests.support.certificates import self_signed


class Desk:
    """Answers every message with its own bytes; some words make it refuse."""

    def __init__(self) -> None:
        self.received: list[tuple[bytes, str]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def receive(self, message: bytes, peer: str) -> bytes | None:
        self.received.append((message, peer))
        assert self.may_answer.wait(10)
        if message == b"store down":
            return None
        if message == b"broken":
            raise GatewayError("GW-1002")
        return b"ACK " + message


def test_processes_that_share_a_port_are_each_given_connections() -> None:
    desks = [Desk(), Desk()]
    first = MLLPListener("127.0.0.1", 0, desks[0].receive, is_shared=True)
    second = MLLPListener("127.0.0.1", first.port, desks[1].receive, is_shared=True)
    with first, second:
        for number in range(60):
            message = f"{number}".encode()
            with socket.create_connection(("127.0.0.1", first.port), timeout=10) as connection:
                connection.sendall(frame(message))
                assert connection.recv(100) == frame(b"ACK " + message)
        with pytest.raises(OSError, match="in use"):
            demand_free("127.0.0.1", first.port)
    assert all(desk.received for desk in desks)
    assert sum(len(desk.received) for desk in desks) == 60
    demand_free("127.0.0.1", first.port)


LIMITS = Limits(max_message_bytes=1000, max_connections=2, idle_s=5, message_s=0.6)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def listener(desk: Desk) -> Iterator[MLLPListener]:
    with MLLPListener("127.0.0.1", 0, desk.receive, limits=LIMITS) as listener:
        yield listener


def connect(listener: MLLPListener) -> socket.socket:
    return socket.create_connection(("127.0.0.1", listener.port), timeout=10)


def answer(connection: socket.socket) -> bytes:
    """Read one frame, or what came until the peer closed."""
    received = b""
    while not received.endswith(b"\x1c\r"):
        try:
            piece = connection.recv(4096)
        except ConnectionResetError:
            piece = b""
        if not piece:
            return received
        received += piece
    return received


def test_each_message_is_answered_in_order_on_one_connection(listener: MLLPListener) -> None:
    with connect(listener) as connection:
        connection.sendall(frame(b"one") + frame(b"two"))
        received = b""
        while received.count(b"\x1c") < 2:
            received += connection.recv(4096)
    assert received == frame(b"ACK one") + frame(b"ACK two")


def test_the_receiver_learns_the_peer(listener: MLLPListener, desk: Desk) -> None:
    with connect(listener) as connection:
        connection.sendall(frame(b"one"))
        answer(connection)
        address = connection.getsockname()
    assert desk.received == [(b"one", f"{address[0]}:{address[1]}")]


@pytest.mark.parametrize("message", [b"store down", b"broken"])
def test_what_could_not_be_promised_is_not_acknowledged(
    listener: MLLPListener, message: bytes
) -> None:
    with connect(listener) as connection:
        connection.sendall(frame(message))
        assert answer(connection) == b""
    with connect(listener) as connection:
        connection.sendall(frame(b"next"))
        assert answer(connection) == frame(b"ACK next")


@pytest.mark.parametrize(
    "noise", [b"\x0b" + b"x" * 2000, b"\x0bhalf", b"\x16\x03\x01\x02\x00\x01\x00", b"\xff" * 5000]
)
def test_noise_ends_its_connection_and_the_next_one_is_served(
    listener: MLLPListener, desk: Desk, noise: bytes
) -> None:
    with connect(listener) as connection:
        connection.sendall(noise)
        connection.shutdown(socket.SHUT_WR)
        assert answer(connection) == b""
    with connect(listener) as connection:
        connection.sendall(frame(b"next"))
        assert answer(connection) == frame(b"ACK next")
    assert [message for message, _ in desk.received] == [b"next"]


def test_a_frame_that_never_ends_is_given_up(listener: MLLPListener) -> None:
    with connect(listener) as connection:
        connection.sendall(b"\x0bhalf")
        assert answer(connection) == b""


def is_cut_off(connection: socket.socket) -> bool:
    """Send a byte now and then for ten seconds; say whether the peer ended the connection."""
    try:
        for _ in range(200):
            connection.sendall(b"x")
            threading.Event().wait(0.05)
    except ConnectionError:
        return True
    return False


def test_a_peer_that_drips_its_frame_is_given_up_and_delays_nobody(
    listener: MLLPListener, desk: Desk
) -> None:
    with connect(listener) as slow, connect(listener) as other:
        slow.sendall(b"\x0bM")
        other.sendall(frame(b"one"))
        assert answer(other) == frame(b"ACK one")
        # A byte now and then does not prolong the time that one frame may take.
        assert is_cut_off(slow)
    assert [message for message, _ in desk.received] == [b"one"]


def test_a_peer_that_sends_no_frame_at_all_is_given_up(listener: MLLPListener) -> None:
    with connect(listener) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" * 100)
        assert answer(connection) == b""


def test_a_peer_that_half_closes_still_gets_its_answer(listener: MLLPListener) -> None:
    with connect(listener) as connection:
        connection.sendall(frame(b"one"))
        connection.shutdown(socket.SHUT_WR)
        assert answer(connection) == frame(b"ACK one")


def test_connections_beyond_the_limit_are_closed_at_once(listener: MLLPListener) -> None:
    with connect(listener) as first, connect(listener) as second:
        for connection in (first, second):
            connection.sendall(frame(b"one"))
            assert answer(connection) == frame(b"ACK one")
        with connect(listener) as third:
            assert answer(third) == b""


def test_closing_lets_the_message_in_work_be_answered(desk: Desk) -> None:
    listener = MLLPListener("127.0.0.1", 0, desk.receive, limits=LIMITS).start()
    desk.may_answer.clear()
    with connect(listener) as connection:
        connection.sendall(frame(b"one"))
        while not desk.received:
            threading.Event().wait(0.01)
        closing = threading.Thread(target=listener.close)
        closing.start()
        desk.may_answer.set()
        assert answer(connection) == frame(b"ACK one")
        closing.join(10)
    with pytest.raises(ConnectionRefusedError):
        connect(listener)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_tls_is_spoken_where_a_context_is_given_and_plain_text_is_turned_away(
    desk: Desk, certificate: Path
) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    client = ssl.create_default_context(cafile=str(certificate))
    with MLLPListener("127.0.0.1", 0, desk.receive, limits=LIMITS, tls=server) as listener:
        with connect(listener) as plain:
            plain.sendall(frame(b"plain"))
            assert b"ACK" not in answer(plain)
        with client.wrap_socket(connect(listener), server_hostname="localhost") as secure:
            secure.sendall(frame(b"one"))
            received = b""
            while not received.endswith(b"\r"):
                received += secure.recv(4096)
    assert received == frame(b"ACK one")
    assert [message for message, _ in desk.received] == [b"one"]


def told(connection: ssl.SSLSocket, message: bytes) -> bytes:
    """Send a message and give what comes back; nothing where the peer turns it away."""
    try:
        connection.sendall(frame(message))
        return connection.recv(4096)
    except OSError:
        return b""


def test_a_handshake_that_never_comes_and_an_unknown_client_hold_nobody_up(
    desk: Desk, certificate: Path
) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    server.load_verify_locations(certificate)
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context(cafile=str(certificate))
    with MLLPListener("127.0.0.1", 0, desk.receive, limits=LIMITS, tls=server) as listener:
        with connect(listener) as silent:
            silent.settimeout(10)
            assert silent.recv(1) == b""
        with client.wrap_socket(connect(listener), server_hostname="localhost") as stranger:
            assert told(stranger, b"stranger") == b""
        client.load_cert_chain(certificate)
        with client.wrap_socket(connect(listener), server_hostname="localhost") as known:
            known.sendall(frame(b"one") * 2)
            received = b""
            while received.count(b"\x1c") < 2:
                received += known.recv(7)
    assert received == frame(b"ACK one") * 2
    assert [message for message, _ in desk.received] == [b"one", b"one"]
