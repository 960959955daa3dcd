"""A receiver of notices on the loopback interface that behaves as badly as it is told to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    """One request that reached the peer."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Peer:
    """``script`` gives the behaviour of each request in turn, the last one stays.

    A number is a status to answer; ``close`` closes without an answer, ``cut`` amid the answer,
    ``hang`` never answers, ``redirect`` sends elsewhere. ``body`` is what answers hold.
    """

    script: list[int | str] = field(default_factory=lambda: [200])
    received: list[Received] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def next_step(self) -> int | str:
        """Take the next behaviour."""
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@contextmanager
def serve(peer: Peer) -> Iterator[Peer]:
    """Run a peer until the block ends."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            peer.received.append(Received(self.path, dict(self.headers), body))
            step = peer.next_step()
            if step == "hang":
                peer.released.wait()
                step = "close"
            if step == "close":
                self.close_connection = True
                return
            if step == "cut":
                self.wfile.write(b"HTTP/1.1 20")
                self.close_connection = True
                return
            self.send_response(307 if step == "redirect" else int(step))
            if step == "redirect":
                self.send_header("Location", f"{peer.url}/elsewhere")
            for name, value in peer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(peer.body)))
            self.end_headers()
            self.wfile.write(peer.body)

        def do_PUT(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    peer.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield peer
    finally:
        peer.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
