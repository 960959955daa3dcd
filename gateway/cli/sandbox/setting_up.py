"""Register a written county: members, channels, one client for each hospital that signs in."""

import json
import os
from pathlib import Path

import yaml

from gateway.access import new_secret
from gateway.cli.sandbox.hospitals import HOSPITALS, SCOPES
from gateway.cli.sandbox.playing import CLIENTS
from gateway.cli.sandbox.writing import CONSORTIUM
from gateway.consortium import apply, read_description
from gateway.store import Client, Credential
from gateway.wiring import Runtime


def register(runtime: Runtime, folder: Path) -> None:
    """Write members, channels and clients; the secrets go into a file for the owner alone."""
    described = read_description(folder / CONSORTIUM)
    pipeline = runtime.pipeline
    apply(runtime.store, pipeline.preparer, pipeline.secret, described, runtime.clock())
    shard: int = described["tenant"]["shard"]
    secrets: dict[str, tuple[str, str]] = {}
    for one in HOSPITALS:
        secret, hashed = new_secret()
        client = Client(f"{one.id}-his", f"{one.name} HIS", one.id, (shard,), SCOPES)
        runtime.store.registry.add_client(client)
        runtime.store.credentials.put(Credential(client.id, "secret-1", "secret", hashed))
        secrets[one.id] = (client.id, secret)
    place = folder / CLIENTS
    with open(place, "w", encoding="utf-8", opener=_private) as file:
        json.dump(secrets, file)


def shard_of(folder: Path) -> int:
    """Give the shard of a written county."""
    shard: int = yaml.safe_load((folder / CONSORTIUM).read_text("utf-8"))["tenant"]["shard"]
    return shard


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
