"""Compare what the gateway holds with what the county really was."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.cli.sandbox.hospitals import BY_ID
from gateway.cli.sandbox.truth import Fact
from gateway.cli.sandbox.writing import MANIFEST, TRUTH, read_lines
from gateway.fhir import codec
from gateway.fhir.systems import ROOT
from gateway.records import Stored, Visibility
from gateway.store import Store

_ID_CARD = "urn:oid:2.16.156.10011.1.3"
_PAGE = 500
_TYPES = {"patient": "Patient", "stay": "Encounter", "report": "DiagnosticReport"}


@dataclass(slots=True)
class Findings:
    """What was found: how many facts of each kind hold, and everything that does not."""

    held: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def check(store: Store, shard: int, folder: Path) -> Findings:
    """Compare every fact, count what nobody told, and compare why records are parked."""
    found = Findings()
    told: Counter[str] = Counter()
    kept = _Kept(store, shard)
    for fact in read_lines(folder / TRUTH):
        told[fact["kind"]] += 1
        problems = list(_compare(fact, kept.of(fact)))
        if problems:
            found.wrong += problems
        else:
            found.held[fact["kind"]] += 1
    for kind, count in sorted(told.items()):
        there = kept.count(_TYPES[kind])
        if there != count:
            found.wrong.append(f"{there} {_TYPES[kind]}, {count} expected 应有")
    found.wrong += _parked(store, shard, folder)
    return found


@dataclass(slots=True)
class _Kept:
    """What the store holds of the county, as an operator sees it."""

    store: Store
    shard: int

    def of(self, fact: Fact) -> list[Fact]:
        """Give what is stored about a fact, in the fact's own words."""
        eyes, type_ = Visibility(self.shard, fact["member"]), _TYPES[fact["kind"]]
        asked = [("identifier", _identifier(fact))]
        found = self.store.search(eyes, self.store.query(self.shard, (type_,), asked)).matches
        own = [one for one in found if one.owner == fact["member"]]
        return [_READ[fact["kind"]](self, codec.decode(one.body), one) for one in own]

    def read(self, member: str, reference: str) -> dict[str, Any]:
        """Give a resource that another refers to; empty where there is none."""
        type_, _, id_ = reference.partition("/")
        stored = self.store.read(Visibility(self.shard, member), type_, id_)
        return codec.decode(stored.body) if stored is not None else {}

    def count(self, type_: str) -> int:
        """Count what all members wrote of a type."""
        query = self.store.query(self.shard, (type_,), [("_total", "accurate"), ("_count", "1")])
        return self.store.search(Visibility(self.shard, "", sees_all=True), query).total or 0

    def patient(self, member: str, resource: dict[str, Any]) -> str | None:
        """Give the ID card of a resource's patient."""
        patient = self.read(member, resource.get("subject", {}).get("reference", ""))
        return _numbers(patient).get(_ID_CARD)


def _identifier(fact: Fact) -> str:
    if fact["kind"] == "patient":
        return f"{_ID_CARD}|{fact['id_card']}"
    word = "inpatient-no" if fact["kind"] == "stay" else "report-no"
    return f"{ROOT}/sid/org/{BY_ID[fact['member']].uscc}/{word}|{fact['number']}"


def _numbers(resource: dict[str, Any]) -> dict[str, str]:
    return {one.get("system", ""): one.get("value", "") for one in resource.get("identifier", ())}


def _read_patient(_kept: _Kept, resource: dict[str, Any], stored: Stored) -> Fact:
    names = [one.get("text") for one in resource.get("name", ()) if not one.get("extension")]
    return {
        "kind": "patient",
        "member": stored.owner,
        "id_card": _numbers(resource).get(_ID_CARD),
        "name": names[0] if names else None,
        "gender": resource.get("gender"),
        "birth_date": resource.get("birthDate"),
    }


def _read_stay(kept: _Kept, resource: dict[str, Any], stored: Stored) -> Fact:
    period = resource.get("period", {})
    codes = {
        coding["code"]
        for one in resource.get("diagnosis", ())
        for coding in kept.read(stored.owner, one["condition"]["reference"])["code"]["coding"]
    }
    return {
        "kind": "stay",
        "member": stored.owner,
        "number": next(
            iter(v for s, v in _numbers(resource).items() if s.endswith("/inpatient-no"))
        ),
        "id_card": kept.patient(stored.owner, resource),
        "status": resource.get("status"),
        "class": resource.get("class", {}).get("code"),
        "start": period.get("start"),
        "end": period.get("end"),
        "diagnoses": sorted(codes),
    }


def _read_report(kept: _Kept, resource: dict[str, Any], stored: Stored) -> Fact:
    results = [kept.read(stored.owner, one["reference"]) for one in resource.get("result", ())]
    return {
        "kind": "report",
        "member": stored.owner,
        "number": next(iter(v for s, v in _numbers(resource).items() if s.endswith("/report-no"))),
        "id_card": kept.patient(stored.owner, resource),
        "issued": resource.get("issued"),
        "items": sorted(map(_value, results)),
    }


def _value(result: dict[str, Any]) -> list[str]:
    quantity = result.get("valueQuantity")
    if quantity is None:
        return [result.get("valueString", ""), ""]
    return [str(quantity["value"]), quantity.get("unit", "")]


_READ: dict[str, Callable[[_Kept, dict[str, Any], Stored], Fact]] = {
    "patient": _read_patient,
    "stay": _read_stay,
    "report": _read_report,
}


def _compare(fact: Fact, found: list[Fact]) -> Iterator[str]:
    name = f"{fact['member']} {fact['kind']} {fact.get('number', '')}".strip()
    if len(found) != 1:
        yield f"{name}: {len(found)} found 找到 {len(found)} 个"
        return
    for key, value in fact.items():
        if found[0][key] != value:
            yield f"{name}: {key} differs 不同"


# ---------------------------------------------------------------- what is parked


def _parked(store: Store, shard: int, folder: Path) -> Iterable[str]:
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    for line in read_lines(folder / MANIFEST):
        expected[line["channel"]].update([line["parks"]] if line["parks"] else [])
    for channel, errors in sorted(expected.items()):
        there = Counter(_errors(store, shard, channel))
        for number in sorted({*errors, *there}):
            if there[number] != errors[number]:
                counts = f"{there[number]} parked for {number}, {errors[number]} expected 应有"
                yield f"{channel}: {counts}"


def _errors(store: Store, shard: int, channel: str) -> Iterator[str]:
    before: tuple[str, int] | None = None
    while True:
        page = store.journal.search(
            shard, status="parked", channel=channel, before=before, limit=_PAGE
        )
        yield from (one.error or "" for one in page)
        if len(page) < _PAGE:
            return
        before = (page[-1].message_id, page[-1].ordinal)
