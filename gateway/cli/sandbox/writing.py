"""The folder of a sandbox: consortium, messages in their order, and the truth."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import Any

import yaml

from gateway.cli.sandbox.dirt import soiled
from gateway.cli.sandbox.documents import flat_messages, v3_messages
from gateway.cli.sandbox.hospitals import HOSPITALS, description
from gateway.cli.sandbox.message import Message
from gateway.cli.sandbox.rows import folder_messages, view_messages
from gateway.cli.sandbox.segments import hl7_messages
from gateway.cli.sandbox.stays import Stay, county
from gateway.cli.sandbox.truth import facts

CONSORTIUM, MANIFEST, TRUTH = "consortium.yaml", "manifest.jsonl", "truth.jsonl"
_SHAPES = {
    "folder": folder_messages,
    "view": view_messages,
    "soap": flat_messages,
    "mllp": hl7_messages,
    "http": v3_messages,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sandbox is to be: its size, its dirt, and where its carriers are."""

    folder: Path
    patients: int
    days: int
    dirty: float
    seed: int
    shard: int
    view_url: str
    mllp_port: int


def write(plan: Plan) -> Counter[str]:
    """Write the folder; give how many messages of each channel, and of each kind of dirt."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    described = description(plan.folder.absolute(), plan.shard, plan.view_url, plan.mllp_port)
    text = yaml.safe_dump(described, allow_unicode=True, sort_keys=False)
    (plan.folder / CONSORTIUM).write_text(text, encoding="utf-8")
    stays = list(county(plan.patients, plan.days, plan.seed))
    _write_lines(plan.folder / TRUTH, facts(stays))
    counted: Counter[str] = Counter()
    _write_lines(plan.folder / MANIFEST, _written(plan, _messages(stays, plan), counted))
    return counted


def _messages(stays: list[Stay], plan: Plan) -> Iterator[Message]:
    shapes = (_shape(stays, one.id, one.carrier) for one in HOSPITALS)
    chance = Random(plan.seed + 1)  # noqa: S311 - a county, not a secret.
    return soiled(merge(*shapes, key=attrgetter("at")), plan.dirty, chance)


def _shape(stays: list[Stay], member: str, carrier: str) -> list[Message]:
    own = (stay for stay in stays if stay.hospital.id == member)
    return sorted(_SHAPES[carrier](own), key=attrgetter("at"))


def _written(
    plan: Plan, messages: Iterable[Message], counted: Counter[str]
) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(messages, 1):
        place = plan.folder / "messages" / one.channel / f"{number:06d}.{one.suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(one.raw)
        counted[one.channel] += 1
        if one.dirt is not None:
            counted[f"dirt: {one.dirt}"] += 1
        yield {
            "channel": one.channel,
            "file": str(place.relative_to(plan.folder)),
            "at": one.at.isoformat(timespec="seconds"),
            "dirt": one.dirt,
            "parks": one.parks,
        }


def _write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read a file of JSON lines."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
