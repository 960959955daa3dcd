"""From the socket to durable FHIR: ORU^R01 a second over MLLP into either database.

    python -m benchmarks.wire [MESSAGES] [CONNECTIONS] [PROCESSES] [postgresql]

The servers (listener, pipeline with validation and reactions, store) share one port, the sender is
another process; the acknowledgement follows the commit of the resources. Every message has a
person, a visit, a report and values of its own. Beside them, in the same run, a bare loop that
inserts the very rows that were left, in groups of 16 messages.
"""

import multiprocessing
import socket
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from benchmarks.asked import numbers
from benchmarks.mapping import _program, _sample, oru, varied
from benchmarks.storage import bare_postgres, bare_sqlite, left_rows, postgres
from gateway.formats.mllp import frame
from gateway.intake.hl7v2 import receiver
from gateway.intake.mllp import MLLPListener
from gateway.records import Channel
from gateway.settings import Settings, load_settings
from gateway.store import Member, Tenant
from gateway.wiring import build_runtime, settle

_ROOT = Path(__file__).resolve().parent.parent
_WARM = 100


def _send(port: int, messages: "SimpleQueue[bytes]") -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while True:
            try:
                message = messages.get_nowait()
            except Empty:
                return
            connection.sendall(frame(message))
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                answer += connection.recv(65536)
            if b"MSA|AA" not in answer and b"MSA|CA" not in answer:
                raise ValueError(answer.decode("gb18030", "replace"))


def send(port: int, messages: list[bytes], connections: int) -> float:
    """Be the sending hospitals: each sends when its last message is acknowledged; give seconds."""
    waiting: SimpleQueue[bytes] = SimpleQueue()
    for message in messages:
        waiting.put(message)
    begin = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(_send, [port] * connections, [waiting] * connections))
    return time.perf_counter() - begin


def _settings(folder: Path, url: str) -> Settings:
    mappings = str(_ROOT / "mappings")
    return load_settings({}, data_dir=folder, database=url, mappings=mappings, log_level="ERROR")


def _serve(place: tuple[Path, str], port: int, turns: Any, answers: Any) -> None:
    """Be one of the server processes; tell the processor's seconds between the turns."""
    runtime = build_runtime(_settings(*place))
    channel = runtime.store.registry.channel("lab")
    take = receiver(runtime.pipeline, channel, runtime.clock)
    settle()
    with MLLPListener("127.0.0.1", port, take, is_shared=True):
        turns.wait()  # All listen.
        turns.wait()  # All is warm.
        used = time.process_time()
        turns.wait()  # All is sent.
        answers.put(time.process_time() - used)
    runtime.close()


def _prepare(place: tuple[Path, str], channel: Channel) -> None:
    runtime = build_runtime(_settings(*place))
    registry = runtime.store.registry
    registry.add_tenant(Tenant("bench", "bench", 1))
    registry.add_member(Member(1, "qs-county", "qs-county", ("hospital",), "org-qs-county"))
    registry.add_channel(channel)
    runtime.close()


def measure(
    place: tuple[Path, str], port: int, sent: tuple[list[bytes], int, int]
) -> tuple[float, float]:
    """Give messages a second and milliseconds of processor for one of them."""
    messages, connections, processes = sent
    context = multiprocessing.get_context("spawn")
    turns, answers = context.Barrier(processes + 1), context.Queue()
    servers = [
        context.Process(target=_serve, args=(place, port, turns, answers)) for _ in range(processes)
    ]
    for one in servers:
        one.start()
    turns.wait()
    send(port, messages[:_WARM], connections)
    turns.wait()
    took = send(port, messages[_WARM:], connections)
    turns.wait()
    used = sum(answers.get(timeout=60) for _ in servers)
    for one in servers:
        one.join()
    count = len(messages) - _WARM
    return count / took, 1000 * used / count


def main(
    count: int = 1000, connections: int = 16, processes: int = 2, *, is_postgres: bool = False
) -> None:
    """Print the rate and what a bare loop does beside it."""
    program = _program("lab/oru-r01")
    messages = varied(oru(_sample(program, "lab.hl7")), count + _WARM)
    channel = Channel(
        "lab", 1, "qs-county", "hl7v2", (program.id,), program.samples.charset, "Asia/Shanghai"
    )
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        kept = opened.enter_context(socket.socket())
        # Keeps the port for the servers; it does not listen.
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        kept.bind(("127.0.0.1", 0))
        make = opened.enter_context(postgres(folder)) if is_postgres else None
        place = folder, make() if make else f"sqlite:///{folder}/wire.db"
        _prepare(place, channel)
        rate, used_ms = measure(place, kept.getsockname()[1], (messages, connections, processes))
        runtime = build_runtime(_settings(*place))
        rows = left_rows(runtime.store)
        runtime.close()
        bare = bare_postgres(folder, make(), rows) if make else bare_sqlite(folder, rows)
    print(
        f"  {count} ORU^R01, {connections} connections, {processes} processes: {rate:.0f}/s to "
        f"durable FHIR, {used_ms:.2f} ms of processor each; bare loop {bare:.0f}/s, ratio "
        f"{rate / bare:.2f}"
    )


if __name__ == "__main__":
    asked, engine = numbers("wire", __doc__, ("postgresql",))
    main(*asked, is_postgres=bool(engine))
