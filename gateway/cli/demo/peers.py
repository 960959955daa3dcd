"""The members' side of the demo: a mailbox for notices and an MLLP sender."""

import json
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any

START, END = b"\x0b", b"\x1c\r"


@dataclass(frozen=True, slots=True)
class Received:
    """One notice that reached a member."""

    member: str
    topic: str
    focus: str


class Mailbox:
    """An HTTP endpoint on loopback where the members of the demo receive their notices."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.received: list[Received] = []
        self.changed = threading.Condition()
        mailbox = self

        class Endpoint(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                mailbox.put(self.path.rsplit("/", 1)[-1], json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Keep the terminal for the story."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """The address below which each member has a path of its own."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def put(self, member: str, bundle: dict[str, Any]) -> None:
        """Keep a notice (a notification Bundle: Parameters first, then the focus)."""
        status = bundle["entry"][0]["resource"]
        topic = focus = ""
        for parameter in status.get("parameter", ()):
            if parameter["name"] == "topic":
                topic = parameter.get("valueCanonical", "").rsplit("/", 1)[-1]
            for part in parameter.get("part", ()):
                if part["name"] == "focus":
                    focus = "/".join(part["valueReference"]["reference"].split("/")[-2:])
        with self.changed:
            self.received.append(Received(member, topic, focus))
            self.changed.notify_all()

    def wait(self, member: str, topic: str, seconds: float = 8.0) -> Received | None:
        """Wait until a notice on a topic has reached a member."""
        deadline = monotonic() + seconds
        with self.changed:
            while True:
                for one in self.received:
                    if one.member == member and one.topic == topic:
                        return one
                left = deadline - monotonic()
                if left <= 0 or not self.changed.wait(left):
                    return None

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


def send_mllp(port: int, message: bytes, seconds: float = 20.0) -> bytes:
    """Send one HL7 v2 message and give the acknowledgement; raise OSError when none comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(START + message + END)
        answer = b""
        while not answer.endswith(END):
            part = connection.recv(65536)
            if not part:
                raise ConnectionError("the listener closed without an acknowledgement")
            answer += part
    return answer[1 : -len(END)]
