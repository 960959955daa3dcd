"""The relay of a front machine (前置机): local carriers in, outgoing HTTPS out, a spool between.

It opens no database of the gateway and knows no mapping; all it promises is that what it has
acknowledged reaches the gateway's intake, in order, however long the line is down.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

from gateway.carriers.folder import Folder, folder_options
from gateway.carriers.forwarding import Forwarder, Gateway
from gateway.carriers.polling import Poller
from gateway.carriers.spool import Spool
from gateway.carriers.state import State
from gateway.carriers.view import View
from gateway.carriers.view_options import view_options
from gateway.errors import GatewayError, Kind
from gateway.formats.hl7v2_ack import acknowledge
from gateway.intake.mllp import Limits, MLLPListener

_KNOWN = {
    "gateway", "client", "secret_file", "data_dir", "listen", "channels", "every_s", "max_bytes",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """What the relay's file says; ``channels`` are the gateway's, with their local carriers."""

    gateway: Gateway
    data_dir: Path
    listen: str | None
    channels: Mapping[str, Mapping[str, Any]]
    every_s: float
    max_bytes: int

    @property
    def spool(self) -> Path:
        """The file that holds what is not yet handed over."""
        return self.data_dir / "relay.sqlite"


def read_options(path: Path) -> RelayOptions:
    """Read the relay's file; raise GW-1041 with the name that is wrong."""
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise _wrong("YAML") from err
    if not isinstance(told, dict) or not isinstance(told.get("channels"), dict):
        raise _wrong("channels")
    for name in told:
        if name not in _KNOWN:
            raise _wrong(f"{name}?")
    for name in ("gateway", "client", "secret_file", "data_dir"):
        if not isinstance(told.get(name), str):
            raise _wrong(name)
    try:
        secret = Path(told["secret_file"]).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise _wrong("secret_file") from err
    channels = {str(id_): carriers or {} for id_, carriers in told["channels"].items()}
    if not all(isinstance(carriers, dict) for carriers in channels.values()):
        raise _wrong("channels")
    return RelayOptions(
        Gateway(told["gateway"].rstrip("/"), told["client"], secret),
        Path(told["data_dir"]),
        told.get("listen"),
        channels,
        float(told.get("every_s", 1.0)),
        int(told.get("max_bytes", 50_000_000)),
    )


@contextmanager
def running(options: RelayOptions, now: Callable[[], datetime]) -> Iterator[Spool]:
    """Take and hand over while the block runs; raise GW-1041, GW-1051, GW-1053."""
    with ExitStack() as stack:
        spool = Spool(options.spool, options.max_bytes)
        stack.callback(spool.close)
        for id_, carriers in options.channels.items():
            for entered in _carriers(id_, carriers, spool, options, now):
                stack.enter_context(entered)
        if options.listen:
            stack.enter_context(_listening(options, spool))
        forwarder = Forwarder(spool, options.gateway)
        stack.enter_context(Poller("relay", forwarder, options.every_s))
        yield spool


def _carriers(
    id_: str,
    carriers: Mapping[str, Any],
    spool: Spool,
    options: RelayOptions,
    now: Callable[[], datetime],
) -> Iterator[Poller | MLLPListener]:
    take = spool.taker(id_)
    for name, told in carriers.items():
        if name == "folder":
            folder = folder_options(told, options.max_bytes)
            yield Poller(id_, Folder(folder, take), folder.every_s)
        elif name == "view":
            view = view_options(told)
            state = State(options.data_dir / f"{id_}.sqlite")
            yield Poller(id_, View(view, state, take), view.every_s)
        elif name == "mllp":
            limits = Limits(max_message_bytes=options.max_bytes)
            place = told if isinstance(told, dict) and "port" in told else None
            if place is None:
                raise _wrong(f"channels / {id_} / mllp")
            host, port = str(place.get("host", "127.0.0.1")), int(place["port"])
            yield MLLPListener(host, port, _receiver(id_, spool, now), limits=limits)
        else:
            raise _wrong(f"channels / {id_} / {name}?")


def _receiver(
    id_: str, spool: Spool, now: Callable[[], datetime]
) -> Callable[[bytes, str], bytes | None]:
    """Acknowledge a message that is durable here; what becomes of it, the gateway tells."""

    def take(raw: bytes, peer: str) -> bytes | None:  # noqa: ARG001 - the listener says it.
        try:
            spool.put(id_, raw)
        except GatewayError as error:
            if error.kind is Kind.UNAVAILABLE:
                return None
            return acknowledge(raw, "AR", now=now(), text=f"{error.number} {error.text_zh}") or b""
        return acknowledge(raw, "AA", now=now()) or b""

    return take


@contextmanager
def _listening(options: RelayOptions, spool: Spool) -> Iterator[None]:
    """Take ``POST /intake/{channel}`` of the systems beside the relay."""
    host, _, port = (options.listen or "").rpartition(":")

    class Entrance(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, text = _answer(self, options, spool)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: the spool is the record of what came."""

    with ThreadingHTTPServer((host.strip("[]") or "127.0.0.1", int(port)), Entrance) as server:
        thread = Thread(target=server.serve_forever, name="relay-http", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _answer(
    request: BaseHTTPRequestHandler, options: RelayOptions, spool: Spool
) -> tuple[int, str]:
    channel = request.path.partition("?")[0].removeprefix("/intake/")
    length = request.headers.get("Content-Length", "")
    try:
        if not request.path.startswith("/intake/") or channel not in options.channels:
            raise GatewayError("GW-1001", channel=channel[:80])
        if not (length.isascii() and length.isdecimal()):
            raise GatewayError("GW-1002")
        if int(length) > options.max_bytes:
            raise GatewayError("GW-1003", limit=options.max_bytes)
        request.connection.settimeout(60)
        raw = request.rfile.read(int(length))
        if len(raw) < int(length):
            raise GatewayError("GW-1002")
        taken = spool.put(channel, raw)
    except GatewayError as error:
        return error.http, f'{{"error": "{error.number}"}}'
    except OSError:
        return 408, '{"error": "GW-1002"}'
    return 202, f'{{"message": "{taken.message_id}", "status": "kept"}}'


def _wrong(problem: str) -> GatewayError:
    return GatewayError("GW-1041", carrier="relay", problem=problem)
