"""The demo's consortium: a data folder of its own, a real server, and every member's client."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import requests
import yaml

from gateway.access import new_secret
from gateway.cli.demo.peers import Mailbox, send_mllp
from gateway.consortium import Applied, apply
from gateway.errors import GatewayError
from gateway.settings import Settings, load_settings
from gateway.store import Client, Credential
from gateway.wiring import Runtime, build_runtime

STORY = files("gateway.cli.demo") / "story"
SCOPES = {
    "qs-township": "system/*.cruds intake/*",
    "qs-county": "system/*.cruds intake/*",
    "lj-city": "system/*.cruds intake/*",
    "qs-insurer": "system/*.rs",
    "qs-bureau": "system/*.rs",
}


_PORTS = range(20_000, 32_000)
"""Below those that the system gives to outgoing connections, one of which would take it first."""


def free_port() -> int:
    """Find a port that nobody listens on; it stays free for whoever is to listen there."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def is_free(port: int) -> bool:
    """Say whether nobody listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


@dataclass(slots=True)
class World:
    """The running demo: ``url`` is the server's address, ``tokens`` one per member.

    ``options`` are settings that differ from the demo's, by name.
    """

    data_dir: Path
    mailbox: Mailbox
    port: int
    mllp_ports: dict[str, int]
    secrets: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    server: "subprocess.Popen[bytes] | None" = None
    applied: Applied | None = None
    http: requests.Session = field(default_factory=requests.Session)
    runtime: Runtime | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        """The settings that the server of the demo runs with."""
        return load_settings(
            os.environ,
            data_dir=self.data_dir,
            listen=f"127.0.0.1:{self.port}",
            demo_links=True,
            allowed_networks="127.0.0.0/8",
            log_level="WARNING",
            **self.options,
        )

    # ------------------------------------------------------------ setting up

    def seed(self) -> Applied:
        """Set up the consortium and one client per member in the empty data folder."""
        runtime = build_runtime(self.settings)
        try:
            self.applied = apply(
                runtime.store,
                runtime.pipeline.preparer,
                runtime.pipeline.secret,
                self.description(),
                runtime.clock(),
            )
            for member in self.applied.members:
                secret, hashed = new_secret()
                self.secrets[member.id], name = secret, f"{member.id}-his"
                runtime.store.registry.add_client(
                    Client(
                        name,
                        f"{member.name} HIS",
                        member.id,
                        (self.applied.tenant.shard,),
                        tuple(SCOPES[member.id].split()),
                    )
                )
                runtime.store.credentials.put(Credential(name, "secret-1", "secret", hashed))
        finally:
            runtime.close()
        return self.applied

    def description(self) -> dict[str, Any]:
        """Read the demo's consortium file with this run's ports and mailbox in it."""
        described: dict[str, Any] = yaml.safe_load((STORY / "consortium.yaml").read_text("utf-8"))
        for member in described["members"]:
            member["endpoint"] = f"{self.mailbox.url}/{member['id']}"
        for channel in described["channels"]:
            if "mllp" in channel.get("options", {}):
                channel["options"]["mllp"]["port"] = self.mllp_ports[channel["id"]]
            if "push" in channel.get("options", {}):
                channel["options"]["push"]["folder"]["path"] = str(self.inbox)
        return described

    @property
    def inbox(self) -> Path:
        """The folder that the township's HIS empties."""
        return self.data_dir.absolute() / "township-inbox"

    def fetch(self, *, seconds: float = 8.0) -> bytes:
        """Take a file out of the township's folder, as its HIS does; empty when none comes."""
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            for path in self.inbox.glob("*.csv"):
                content = path.read_bytes()
                path.unlink()
                return content
            sleep(0.05)
        return b""

    def start(self, *, seconds: float = 40.0) -> None:
        """Start the server as a process of its own and wait until it is ready."""
        settings = self.settings
        environ = os.environ | {
            "GATEWAY_DATA_DIR": str(self.data_dir),
            "GATEWAY_LISTEN": settings.listen,
            "GATEWAY_DEMO_LINKS": "true",
            "GATEWAY_ALLOWED_NETWORKS": settings.allowed_networks,
            "GATEWAY_LOG_LEVEL": settings.log_level,
            **{f"GATEWAY_{name.upper()}": value for name, value in self.options.items()},
        }
        log = (self.data_dir / "server.log").open("ab")
        command = [sys.executable, "-m", "gateway.cli", "serve"]
        self.server = subprocess.Popen(
            command, env=environ, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            if self.server.poll() is not None:
                break
            try:
                if self.http.get(f"{self.url}/readyz", timeout=2).ok:
                    return
            except requests.ConnectionError:
                sleep(0.1)
        tail = (self.data_dir / "server.log").read_text("utf-8", "replace")[-2000:]
        raise GatewayError("GW-7025", where=None) from RuntimeError(tail)

    def kill(self) -> None:
        """Kill the server and its workers at once, as a power failure would."""
        if self.server is not None:
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()
            self.server = None
        self.http.close()

    def stop(self) -> None:
        """Ask the server to end, and close the mailbox."""
        if self.server is not None and self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            try:
                self.server.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        self.mailbox.close()
        self.http.close()

    # ------------------------------------------------------------ the members' systems

    def sign_in(self) -> None:
        """Get every member a token by client credentials."""
        for member, secret in self.secrets.items():
            answer = self.http.post(
                f"{self.url}/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(f"{member}-his", secret),
                timeout=10,
            )
            answer.raise_for_status()
            self.tokens[member] = answer.json()["access_token"]

    def ask(
        self, member: str, method: str, path: str, body: Any = None, **headers: str
    ) -> requests.Response:
        """Send one FHIR request as a member."""
        return self.http.request(
            method,
            f"{self.url}/fhir/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.tokens[member]}", **headers},
            timeout=30,
        )

    def get(self, member: str, path: str) -> Any:
        """Read or search as a member; raise for anything but success."""
        answer = self.ask(member, "GET", path)
        answer.raise_for_status()
        return answer.json()

    def found(self, member: str, path: str) -> list[dict[str, Any]]:
        """Search as a member and give the matches."""
        return [
            entry["resource"]
            for entry in self.get(member, path).get("entry", ())
            if entry.get("search", {}).get("mode", "match") == "match"
        ]

    def send(self, channel: str, raw: bytes) -> dict[str, Any]:
        """Send a native record over HTTP as the channel's member and wait for its end."""
        assert self.applied is not None  # noqa: S101 - seeded before anything is sent.
        owner = next(one.member for one in self.applied.channels if one.id == channel)
        answer = self.http.post(
            f"{self.url}/intake/{channel}?wait=true",
            data=raw,
            headers={
                "Authorization": f"Bearer {self.tokens[owner]}",
                "Content-Type": "application/octet-stream",
            },
            timeout=60,
        )
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    def message(self, member: str, message_id: str) -> dict[str, Any]:
        """Ask what became of a message."""
        answer = self.http.get(
            f"{self.url}/intake/messages/{message_id}",
            headers={"Authorization": f"Bearer {self.tokens[member]}"},
            timeout=30,
        )
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    def correct(self, parked: dict[str, Any], member: str, raw: bytes) -> dict[str, Any]:
        """Replay a parked message with its corrected file."""
        answer = self.http.post(
            parked["links"]["replay"],
            data=raw,
            headers={"Authorization": f"Bearer {self.tokens[member]}"},
            timeout=60,
        )
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    def send_mllp(self, channel: str, raw: bytes) -> bytes:
        """Send an HL7 v2 message over MLLP and give its acknowledgement."""
        return send_mllp(self.mllp_ports[channel], raw)

    def organization(self, member: str) -> str:
        """Give the literal reference of a member's directory entry."""
        assert self.applied is not None  # noqa: S101 - seeded before anything is asked.
        return next(
            f"Organization/{one.organization}" for one in self.applied.members if one.id == member
        )


def new_world(data_dir: Path, port: int = 0) -> World:
    """Make a world with an empty data folder and free ports."""
    shutil.rmtree(data_dir, ignore_errors=True)
    (data_dir / "township-inbox").mkdir(parents=True)
    ports = {"qs-township-lab": free_port(), "qs-county-adt": free_port()}
    return World(data_dir, Mailbox(), port or free_port(), ports)


def record(name: str) -> bytes:
    """Read one native record of the story."""
    return (STORY / name).read_bytes()
