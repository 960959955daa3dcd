"""A store with one channel that pushes, and the receivers that a test scripts."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.access import Access
from gateway.carriers.outgoing import PushOutlet, Ways
from gateway.delivery import AddressGuard, Backoff, Dispatcher, Sender
from gateway.fhir import definitions
from gateway.fhir.search_index import compile_indexer
from gateway.formats.hl7v2_ack import acknowledge
from gateway.formats.mllp import frame
from gateway.outlets import Outlets
from gateway.records import Change, Channel, Commit, Json, Notice, Resource
from gateway.store import Delivery, Member, Store, Tenant
from gateway.subscriptions import Pushing
from tests.unit.delivery.test_worker import Clock
from tests.unit.mapping.tryout import compiled

MEMBER, CHANNEL = "qs-township", "answers"
RECORD = "_include=Task:focus"
INDEX = compile_indexer(definitions.load())
HL7 = """mapping: 1
id: test/answer
direction: out
source: {format: hl7v2}
back:
  MSH-9.1: REF
  MSH-9.2: I12
  ORC-2: {from: ServiceRequest.id}
  ORC-5: {from: Task.status}
  NTE-3: {from: Task.statusReason.text}
"""
ROWS = """mapping: 1
id: test/answer
direction: out
source: {format: rows}
back:
  NO: "{control_id}"
  REFERRAL: {from: ServiceRequest.id}
  REASON: {from: Task.statusReason.text}
"""


def task(number: int, reason: str) -> Resource:
    return {
        "resourceType": "Task",
        "id": f"t{number}",
        "status": "rejected",
        "intent": "order",
        "focus": {"reference": "ServiceRequest/s1"},
        "statusReason": {"text": reason},
    }


class Site:
    """A store with one channel that pushes, and a dispatcher whose clock the test moves."""

    def __init__(self, folder: Path, mapping: str, push: dict[str, Json], charset: str) -> None:
        self.store = Store.open("sqlite:///gateway.db", data_dir=folder)
        self.store.registry.add_tenant(Tenant("qingshan", "青山县医共体", 1))
        self.store.registry.add_member(Member(1, MEMBER, MEMBER, ("hospital",)))
        self.program = compiled(folder, mapping)
        push = {"topics": ["referral-answered"], "record": RECORD} | push
        channel = Channel(
            CHANNEL,
            1,
            MEMBER,
            self.program.format,
            ("test/answer",),
            charset,
            options={"push": push},
        )
        self.store.registry.add_channel(channel)
        self.clock = Clock()
        guard = AddressGuard([ipaddress.ip_network("127.0.0.0/8")])
        self.sender = Sender(guard, "https://gateway.test/fhir", self.clock, (1.0, 0.3))
        ways = Ways(self.sender, guard)
        registry, credentials = self.store.registry, self.store.credentials
        viewer = Access(b"secret", registry, credentials, self.clock).viewer
        outlets = Outlets(self.store, self.sender, b"secret", viewer, self.clock)
        outlets.native = lambda _shard, id_, sight: PushOutlet(
            self.store,
            self.store.registry.channel(id_),
            lambda: self.program,
            ways,
            b"s",
            sight,
            self.clock,
        )
        self.dispatcher = Dispatcher(self.store.outbox, outlets, Backoff(lambda: 0.5), self.clock)
        self.order = {"resourceType": "ServiceRequest", "id": "s1", "status": "active"}
        self.write(self.order, ())
        self.sent = 0

    def write(
        self, resource: Resource, notices: tuple[Notice, ...], parties: tuple[str, ...] = (MEMBER,)
    ) -> None:
        rows = INDEX.rows(resource)
        change = Change(
            resource["resourceType"], resource["id"], resource, rows, "qs-county", None, 4, parties
        )
        self.store.commit(Commit(1, (change,), notices=notices))

    def answer(self, reason: str = "无床位", **more: Any) -> str:
        """Write a Task and the notices of it; give the control id."""
        self.sent += 1
        focus, stream = f"Task/t{self.sent}", "ServiceRequest/s1"
        plain = Notice(MEMBER, "referral-answered", focus, stream, f"k{self.sent}")
        pushing = Pushing(self.store.registry.channels, lambda: 0.0)
        (copy,) = pushing.copies(1, [plain, replace(plain, topic="discharge")])
        self.write(task(self.sent, reason), (copy,), **more)
        return copy.idempotency_key

    def drain(self) -> None:
        while any(task.result() for task in self.dispatcher.dispatch(1)):
            pass

    def later(self, **time: float) -> None:
        self.clock.now += timedelta(**time)
        self.drain()

    def of(self, key: str) -> Delivery:
        (found,) = [one for one in self.store.outbox.search(1) if one.idempotency_key == key]
        return found

    def close(self) -> None:
        self.dispatcher.close()
        self.sender.close()
        self.store.close()


Make = Callable[..., Site]


@contextmanager
def listener(
    answer: Callable[[bytes], bytes], certificate: Path | None = None
) -> Iterator[tuple[int, list[bytes]]]:
    """An MLLP receiver, with a certificate one of TLS: one frame in, what ``answer`` gives out."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk(plain: socket.socket) -> None:
            with _secured(plain, certificate) as connection:
                data = b""
                while not data.endswith(b"\x1c\r"):
                    data += connection.recv(65_536)
                received.append(data[1:-2])
                connection.sendall(answer(received[-1]))

        def run() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, suppress(ssl.SSLError):
                    talk(connection)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield server.getsockname()[1], received
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _secured(plain: socket.socket, certificate: Path | None) -> socket.socket:
    if certificate is None:
        return plain
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context.wrap_socket(plain, server_side=True)


def taken(raw: bytes) -> bytes:
    """Answer as our own listener does."""
    return frame(acknowledge(raw, "AA", now=Clock().now) or b"")
