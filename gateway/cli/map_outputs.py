"""Where the bundle, the lineage and the outcome of each mapped file are written."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.fhir import codec
from gateway.fhir.outcome import operation_outcome
from gateway.records import Issue, Resource

BUNDLE_NAME = "{stem}.bundle.json"


@dataclass(frozen=True, slots=True)
class Output:
    """A file to map, and the folder and stem that what it becomes is written under."""

    path: Path
    folder: Path
    stem: str

    def part(self, number: int) -> "Output":
        """Name one part of a file of many records; the first keeps the file's name."""
        return Output(self.path, self.folder, f"{self.stem}.{number + 1:05}") if number else self

    def write(
        self,
        out: Path,
        bundle: Resource | None,
        lineage: dict[str, Any],
        issues: Sequence[Issue],
        bundle_name: str = BUNDLE_NAME,
    ) -> None:
        """Write the three files; a bundle that is not valid is named ``.invalid.json`` instead."""
        target = out / self.folder
        target.mkdir(parents=True, exist_ok=True)
        valid = target / bundle_name.replace("{stem}", self.stem)
        invalid = target / f"{self.stem}.invalid.json"
        told = target / f"{self.stem}.lineage.json"
        for stale in (valid, invalid, told):
            stale.unlink(missing_ok=True)
        if bundle is not None:
            name = invalid if is_refused(issues) else valid
            name.write_bytes(codec.encode_pretty(bundle) + b"\n")
            told.write_bytes(codec.encode_pretty(lineage) + b"\n")
        outcome = codec.encode_pretty(operation_outcome(issues)) + b"\n"
        (target / f"{self.stem}.outcome.json").write_bytes(outcome)


def is_refused(issues: Sequence[Issue]) -> bool:
    """Say whether a file's issues hold one that stops it."""
    return any(one.severity in ("error", "fatal") for one in issues)


def outputs(named: Sequence[Path], pattern: str = "*") -> list[Output]:
    """List the files that are named or lie below the folders named, in order.

    Outputs keep the folders below what all of them share. Where two files of one folder differ
    only in their ending, each keeps it, so that none overwrites the other.
    """
    top = Path(
        os.path.commonpath([one if one.is_dir() else one.parent for one in map(_real, named)])
    )
    files: dict[Path, None] = {}
    for one in map(_real, named):
        found = sorted(one.rglob(pattern)) if one.is_dir() else [one]
        files |= dict.fromkeys(path for path in found if path.is_file())
    stems = Counter(path.with_suffix("") for path in files)
    return [
        Output(
            path,
            path.parent.relative_to(top),
            path.name if stems[path.with_suffix("")] > 1 else path.stem,
        )
        for path in files
    ]


def _real(path: Path) -> Path:
    return Path(os.path.abspath(path))
