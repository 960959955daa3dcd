"""Clients that send slowly or not at all hold nobody else up."""

import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.live import Live

HALF_HEAD = b"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nX-Slow: "
HALF_BODY = (
    b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant"
)


@pytest.mark.parametrize("sent", [b"", HALF_HEAD, HALF_BODY], ids=["nothing", "head", "body"])
def test_a_crowd_of_slow_clients_holds_nobody_up(live: Live, sent: bytes) -> None:
    parts = urlsplit(live.root)
    with ExitStack() as open_:
        for _ in range(3 * live.settings.threads):
            slow = socket.create_connection((parts.hostname, parts.port), timeout=10)
            open_.enter_context(slow)
            slow.sendall(sent)
        answer = requests.get(f"{live.root}/healthz", timeout=10)
        assert answer.status_code == 200
