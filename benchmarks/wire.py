"""From the socket to durable FHIR: ORU^R01 a second over MLLP into SQLite.

    python -m benchmarks.wire [MESSAGES] [CONNECTIONS]

The server (listener, pipeline with validation and reactions, store) runs in this process, the
sender in another one; the acknowledgement follows the commit of the resources. Every message has
a report number and values of its own; a few hundred persons are met again.
"""

import multiprocessing
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.mapping import _program, _sample, oru, varied
from gateway.formats.mllp import frame
from gateway.intake.hl7v2 import receiver
from gateway.intake.mllp import MLLPListener
from gateway.records import Channel
from gateway.settings import load_settings
from gateway.store import Member, Tenant
from gateway.wiring import build_runtime

_ROOT = Path(__file__).resolve().parent.parent


def _send(port: int, messages: list[bytes]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for message in messages:
            connection.sendall(frame(message))
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                answer += connection.recv(65536)
            if b"MSA|AA" not in answer and b"MSA|CA" not in answer:
                raise ValueError(answer.decode("gb18030", "replace"))


def send(port: int, messages: list[bytes], connections: int) -> None:
    """Be the sending hospital: each connection sends when the last message is acknowledged."""
    threads = [
        threading.Thread(target=_send, args=(port, messages[at::connections]))
        for at in range(connections)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def main(count: int = 1000, connections: int = 4) -> None:
    """Print the rate."""
    program = _program("lab/oru-r01")
    messages = varied(oru(_sample(program, "lab.hl7")), count + 50)
    channel = Channel(
        "lab", 1, "qs-county", "hl7v2", (program.id,), program.samples.charset, "Asia/Shanghai"
    )
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({}, data_dir=Path(folder), mappings=str(_ROOT / "mappings"))
        runtime = build_runtime(settings)
        registry = runtime.store.registry
        registry.add_tenant(Tenant("bench", "bench", 1))
        registry.add_member(Member(1, "qs-county", "qs-county", ("hospital",), "org-qs-county"))
        registry.add_channel(channel)
        with MLLPListener("127.0.0.1", 0, receiver(runtime.pipeline, channel, runtime.clock)) as at:
            _send(at.port, messages[:50])
            sender = multiprocessing.get_context("spawn").Process(
                target=send, args=(at.port, messages[50:], connections)
            )
            used, begin = time.process_time(), time.perf_counter()
            sender.start()
            sender.join()
            took, used = time.perf_counter() - begin, time.process_time() - used
        runtime.close()
    print(
        f"  {count} ORU^R01 over {connections} connections: {count / took:.0f}/s to durable FHIR,"
        f" {1000 * used / count:.2f} ms of processor each"
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
