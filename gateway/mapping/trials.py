"""A mapping's own tests: samples in, expectations and expected bundles out, differences shown."""

import difflib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from gateway.errors import GatewayError
from gateway.fhir import codec, definitions, fhirpath
from gateway.mapping.bundles import combined
from gateway.mapping.nodes import Node, Scalar, Table, plain
from gateway.mapping.nodes import Sequence as Listed
from gateway.mapping.program import MappingProgram
from gateway.records import (
    BusinessKey,
    Channel,
    Envelope,
    Format,
    MapContext,
    Mapped,
    Parsed,
    Reader,
    Resource,
)

_RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Trial:
    """One test of a mapping: what it is about, and what differs (nothing: it passed)."""

    name: str
    differences: list[str] = field(default_factory=list)


def trial_id(key: BusinessKey) -> str:
    """Name a resource in trials: the same key gives the same id, no secret involved."""
    text = f"{key.type}|{key.system}|{key.value}"
    made = hashlib.sha256(text.encode()).hexdigest()
    return f"{made[:8]}-{made[8:12]}-{made[12:16]}-{made[16:20]}-{made[20:32]}"


def read_records(
    program: MappingProgram,
    raw: bytes,
    readers: Mapping[Format, Reader],
    options: Mapping[str, Any] | None = None,
) -> Iterator[Parsed]:
    """Read a sample as a channel with the mapping's ``samples:`` settings would."""
    samples = program.samples
    channel = Channel(
        id="sample",
        shard=0,
        member=samples.member,
        format=program.format,
        mappings=(program.id,),
        charset=samples.charset,
        zone=samples.zone,
        options={**samples.options, **(options or {})},
    )
    envelope = Envelope("sample", channel, raw, _RECEIVED)
    return iter(readers[program.format].read(envelope))


def context_of(program: MappingProgram, options: Mapping[str, Any] | None = None) -> MapContext:
    """Give the context in which samples are mapped."""
    samples = program.samples
    merged = {**samples.options, **(options or {})}
    return MapContext(samples.member, samples.zone, _RECEIVED, trial_id, merged)


def map_file(
    program: MappingProgram,
    path: Path,
    readers: Mapping[Format, Reader],
    options: Mapping[str, Any] | None = None,
) -> list[Mapped]:
    """Map every record of a file that the mapping takes; raise GW-3002 when it takes none."""
    context = context_of(program, options)
    made: list[Mapped] = []
    others: list[Parsed] = []
    for parsed in read_records(program, path.read_bytes(), readers, options):
        if program.accepts(parsed):
            made.append(program.run(parsed, context))
        else:
            others.append(parsed)
    if not made:
        where = others[0].root.place if others else None
        kinds = ", ".join(other.kind for other in others) or "-"
        raise GatewayError("GW-3002", where=where, kind=kinds, mappings=program.id)
    return made


def run_trials(program: MappingProgram, readers: Mapping[Format, Reader]) -> list[Trial]:
    """Run ``tests:`` and compare the bundles in ``expected/``."""
    folder = Path(program.path).parent
    tests = program.tree.get("tests") if program.tree else None
    trials = [
        _trial(program, folder, item, readers)
        for item in (tests.items if isinstance(tests, Listed) else ())
        if isinstance(item, Table)
    ]
    trials += [
        _golden(program, path, readers)
        for path in sorted((folder / "expected").glob("*.bundle.json"))
    ]
    return trials


def demand_passed(program: MappingProgram, readers: Mapping[Format, Reader]) -> None:
    """Raise GW-3040 when a test of the mapping fails."""
    failed = [trial for trial in run_trials(program, readers) if trial.differences]
    if failed:
        names = ", ".join(trial.name for trial in failed)
        raise GatewayError("GW-3040", mapping=program.id, tests=names)


def _trial(
    program: MappingProgram, folder: Path, test: Table, readers: Mapping[Format, Reader]
) -> Trial:
    trial = Trial(f"{test.mark.rule} {test.text('in')}")
    options = _plain(test.get("options"))
    try:
        path = folder / (test.text("in") or "")
        if not path.is_file():
            trial.differences.append("the sample does not exist")
            return trial
        mapped = map_file(program, path, readers, options)
    except GatewayError as err:
        wanted = test.text("error")
        if wanted != err.number:
            trial.differences.append(f"{err} [{err.where}]" if err.where else str(err))
        return trial
    if test.text("error"):
        trial.differences.append(f"expected {test.text('error')}, but it was mapped")
    record = int(test.text("record") or 1)
    if record > len(mapped):
        trial.differences.append(f"there is no record {record}")
        return trial
    _expect(trial, test.get("expect"), mapped[record - 1])
    _expect_unread(trial, test.get("unread"), mapped[record - 1])
    return trial


def _plain(node: Node | None) -> dict[str, Any]:
    found = plain(node) if node else {}
    return found if isinstance(found, dict) else {}


def _expect(trial: Trial, node: Node | None, mapped: Mapped) -> None:
    bundle = mapped.bundle()
    for expression, wanted in node.entries.items() if isinstance(node, Table) else ():
        found = [_text(value) for value in _values(expression, bundle)]
        items = wanted.items if isinstance(wanted, Listed) else [wanted]
        texts = [item.text for item in items if isinstance(item, Scalar) and not item.is_null]
        if found != texts:
            trial.differences.append(f"{expression}: expected {texts}, found {found}")


def _expect_unread(trial: Trial, node: Node | None, mapped: Mapped) -> None:
    if node is None:
        return
    items = node.items if isinstance(node, Listed) else [node]
    wanted = sorted(item.text for item in items if isinstance(item, Scalar) and not item.is_null)
    found = sorted(place.path for place in mapped.unread)
    if found != wanted:
        trial.differences.append(f"unread: expected {wanted}, found {found}")


@lru_cache(maxsize=1)
def _model() -> fhirpath.Model:
    return fhirpath.Model(definitions.load())


def _values(expression: str, bundle: Resource) -> Sequence[Any]:
    """Evaluate ``Encounter.status`` over all resources of that type in the bundle."""
    type_, dot, rest = expression.partition(".")
    if type_ in definitions.load().resource_types and type_ != "Bundle":
        expression = f"Bundle.entry.resource.ofType({type_}){dot}{rest}"
    context = fhirpath.Context(_model(), resource=bundle, root=bundle)
    return fhirpath.compile(expression).evaluate(bundle, context)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _golden(program: MappingProgram, path: Path, readers: Mapping[Format, Reader]) -> Trial:
    stem = path.name.removesuffix(".bundle.json")
    trial = Trial(f"{path.parent.name}/{path.name}")
    samples = sorted((path.parent.parent / "samples").glob(f"{stem}.*"))
    if not samples:
        trial.differences.append("there is no sample of that name")
        return trial
    try:
        mapped = map_file(program, samples[0], readers)
    except GatewayError as err:
        trial.differences.append(str(err))
        return trial
    wanted = path.read_text(encoding="utf-8").splitlines()
    found = codec.encode_pretty(combined(mapped)[0]).decode().splitlines()
    trial.differences += difflib.unified_diff(wanted, found, "expected", "found", lineterm="", n=2)
    return trial
