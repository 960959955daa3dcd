"""The relay keeps what it acknowledged and hands it over in order, whatever dies on the way."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import yaml

from gateway.carriers.forwarding import Forwarder, Gateway
from gateway.carriers.spool import Spool
from gateway.cli.demo.world import free_port
from gateway.errors import GatewayError
from gateway.formats.mllp import frame
from gateway.relay import read_options, running


@dataclass
class Peer:
    """A gateway as the relay meets it: tokens, receipts, and what it was told to answer."""

    port: int = 0
    got: list[tuple[str, bytes]] = field(default_factory=list)
    statuses: dict[bytes, list[int]] = field(default_factory=dict)
    tokens: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def serve(peer: Peer) -> ThreadingHTTPServer:
    class Entrance(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/oauth/token":
                peer.tokens += 1
                self.answer(200, {"access_token": f"t{peer.tokens}"})
                return
            told = peer.statuses.get(body)
            status = told.pop(0) if told else 202
            if status == 202:
                peer.got.append((self.path.removeprefix("/intake/"), body))
            self.answer(status, {})

        def answer(self, status: int, content: dict[str, str]) -> None:
            raw = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", peer.port), Entrance)
    peer.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def end(server: ThreadingHTTPServer) -> None:
    server.shutdown()
    server.server_close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    server = serve(made)
    yield made
    end(server)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "relay.sqlite", max_bytes=1_000)
    yield made
    made.close()


def sender(spool: Spool, peer: Peer) -> Forwarder:
    return Forwarder(spool, Gateway(peer.url, "baiyun-relay", "secret"))


def test_messages_are_handed_over_in_order_and_then_forgotten(spool: Spool, peer: Peer) -> None:
    for number in range(5):
        spool.put("visits", b"%d" % number)
    assert spool.put("visits", b"3").is_duplicate
    forwarder = sender(spool, peer)
    assert forwarder.poll() == 5
    forwarder.close()
    assert [raw for _, raw in peer.got] == [b"0", b"1", b"2", b"3", b"4"]
    assert spool.counts() == []
    assert peer.tokens == 1


def test_a_channel_that_must_wait_keeps_its_order_and_stops_no_other(
    spool: Spool, peer: Peer
) -> None:
    for raw in (b"a1", b"a2"):
        spool.put("a", raw)
    spool.put("b", b"b1")
    peer.statuses[b"a1"] = [503]
    forwarder = sender(spool, peer)
    with pytest.raises(GatewayError, match="GW-1060"):
        forwarder.poll()
    assert peer.got == [("b", b"b1")]
    assert forwarder.poll() == 2
    forwarder.close()
    assert peer.got[1:] == [("a", b"a1"), ("a", b"a2")]


def test_what_the_gateway_refuses_for_good_is_set_aside_and_may_be_tried_again(
    spool: Spool, peer: Peer
) -> None:
    spool.put("a", b"bad")
    spool.put("a", b"good")
    peer.statuses[b"bad"] = [422]
    forwarder = sender(spool, peer)
    forwarder.poll()
    assert peer.got == [("a", b"good")]
    assert spool.counts() == [("a", 0, 1)]
    assert spool.again() == 1
    forwarder.poll()
    forwarder.close()
    assert peer.got[1:] == [("a", b"bad")]


def test_an_expired_token_is_renewed(spool: Spool, peer: Peer) -> None:
    spool.put("a", b"x")
    peer.statuses[b"x"] = [401]
    forwarder = sender(spool, peer)
    assert forwarder.poll() == 1
    forwarder.close()
    assert peer.tokens == 2


def test_a_full_disk_promises_nothing(spool: Spool) -> None:
    spool._database.execute("PRAGMA max_page_count = 8")
    kept, refusal = 0, None
    while refusal is None and kept < 100:
        try:
            spool.put("a", b"%0900d" % kept)
            kept += 1
        except GatewayError as error:
            refusal = error.number
    assert refusal == "GW-1053"
    assert spool.counts() == [("a", kept, 0)]
    spool._database.execute("PRAGMA max_page_count = 10000")
    assert spool.put("a", b"after").is_duplicate is False
    assert spool.counts() == [("a", kept + 1, 0)]


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def made(url: str, **more: object) -> Path:
        (tmp_path / "secret").write_text("secret")
        told: dict[str, object] = {
            "gateway": url,
            "client": "baiyun-relay",
            "secret_file": str(tmp_path / "secret"),
            "data_dir": str(tmp_path / "relay"),
            "every_s": 0.05,
            **more,
        }
        path = tmp_path / "relay.yaml"
        path.write_text(yaml.safe_dump(told), "utf-8")
        return path

    return made


def until(is_so: Callable[[], bool]) -> bool:
    for _ in range(600):
        if is_so():
            return True
        time.sleep(0.05)
    return False


def test_a_relay_killed_while_the_line_is_down_loses_nothing_and_doubles_nothing(
    tmp_path: Path, write: Write
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    port = free_port()
    folder = {"path": str(drop), "settle_s": 0, "every_s": 0.05}
    path = write(f"http://127.0.0.1:{port}", channels={"visits": {"folder": folder}})
    command = [sys.executable, "-m", "gateway.cli", "relay", "run", str(path)]
    expected = []
    for life in range(2):
        relay = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for number in range(3):
            expected.append(b"%d-%d" % (life, number))
            (drop / ".x").write_bytes(expected[-1])
            (drop / ".x").rename(drop / f"{life}-{number}.csv")
        assert until(lambda: len(list((drop / "done").glob("*"))) >= len(expected))
        relay.send_signal(signal.SIGKILL)
        relay.wait()
    peer = Peer(port)
    server = serve(peer)
    relay = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert until(lambda: len(peer.got) >= len(expected))
    relay.send_signal(signal.SIGTERM)
    assert relay.wait(20) == 0
    end(server)
    assert [raw for _, raw in peer.got] == expected


def test_systems_beside_the_relay_send_over_http_and_mllp(peer: Peer, write: Write) -> None:
    http, mllp = free_port(), free_port()
    path = write(
        peer.url,
        listen=f"127.0.0.1:{http}",
        channels={"visits": None, "lab": {"mllp": {"port": mllp}}},
        max_bytes=1_000,
    )
    message = b"MSH|^~\\&|LIS|BY|GW|QS|20261102||ORU^R01|7|P|2.5\r"
    address = f"http://127.0.0.1:{http}/intake"
    with running(read_options(path), lambda: datetime.now(UTC)):
        assert requests.post(f"{address}/visits", data=b"x", timeout=5).status_code == 202
        assert requests.post(f"{address}/other", data=b"x", timeout=5).status_code == 404
        assert requests.post(f"{address}/visits", data=b"", timeout=5).status_code == 400
        assert requests.post(f"{address}/visits", data=b"x" * 1_001, timeout=5).status_code == 413
        with socket.create_connection(("127.0.0.1", mllp)) as line:
            line.sendall(frame(message))
            assert b"MSA|AA|7" in line.recv(1_000)
        assert until(lambda: len(peer.got) == 2)
    assert sorted(peer.got) == [("lab", message), ("visits", b"x")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": []},
        {"chanels": {}},
        {"channels": {"a": 7}},
        {"channels": {}, "secret_file": "/nowhere"},
    ],
)
def test_a_wrong_file_is_refused(wrong: dict[str, object], write: Write) -> None:
    with pytest.raises(GatewayError, match="GW-1041"):
        read_options(write("http://127.0.0.1:1", **wrong))
