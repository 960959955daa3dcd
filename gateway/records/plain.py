"""What every stage speaks of: resources, places in a source, findings."""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Json = Any
Resource = dict[str, Any]
Severity = Literal["fatal", "error", "warning", "information"]
Format = Literal["hl7v2", "xml", "json", "rows", "fhir"]


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a value stands in its source; lines and columns count from 1.

    A Struct, since a record makes hundreds of them and the coverage report compares them all.
    """

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Read as an engineer would say it: ``PID-7 (line 2)``."""
        if self.line is None:
            return self.path
        spot = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{self.path} ({spot})" if self.path else spot


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding about a record or resource; texts never hold a patient's value."""

    severity: Severity
    code: str
    number: str
    text_zh: str
    text_en: str
    expression: str | None = None
    place: Place | None = None
