"""What lies at a foreign address: read small, quickly, from the checked address only."""

import ipaddress
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.delivery import AddressGuard, fetch
from gateway.errors import GatewayError

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[int]:
    """Run a server on loopback that answers so; give its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def say(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(to: BaseHTTPRequestHandler) -> None:
        to.send_response(status)
        for name, value in headers.items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(body)

    return answer


def number(port: int, guard: AddressGuard, host: str = "keys.test") -> str:
    with pytest.raises(GatewayError) as caught:
        fetch(guard, f"http://{host}:{port}/jwks", largest=1_000)
    return caught.value.number


def test_the_address_that_was_checked_is_the_one_that_is_called() -> None:
    asked: list[str] = []
    hosts: list[str | None] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    def answer(to: BaseHTTPRequestHandler) -> None:
        hosts.append(to.headers["Host"])
        say(200, b"{}")(to)

    with answering(answer) as port:
        found = fetch(AddressGuard([LOOPBACK], resolve), f"http://keys.test:{port}/jwks")
    assert (found, asked, hosts) == (b"{}", ["keys.test"], [f"keys.test:{port}"])


def test_a_redirect_is_not_followed() -> None:
    with answering(say(302, Location="http://169.254.169.254/")) as port:
        assert number(port, AddressGuard([LOOPBACK], lambda *_: ["127.0.0.1"])) == "GW-6105"


@pytest.mark.parametrize("body", [b"a" * 1_001, b"a" * 500_000])
def test_too_much_is_not_read(body: bytes) -> None:
    with answering(say(200, body)) as port:
        assert number(port, AddressGuard([LOOPBACK], lambda *_: ["127.0.0.1"])) == "GW-6112"


def test_without_encryption_only_the_operators_own_networks_are_asked() -> None:
    guard = AddressGuard((), lambda *_: ["8.8.8.8"])
    assert number(80, guard) == "GW-6111"


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "[::1]"])
def test_inside_addresses_are_refused_in_any_spelling(host: str) -> None:
    assert number(80, AddressGuard(), host) == "GW-6102"
