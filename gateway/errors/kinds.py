"""What a kind of error means in HTTP, OperationOutcome and HL7 v2 acknowledgements."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Why something was refused, in the order of the record's way."""

    UNREADABLE = "unreadable"
    INVALID = "invalid"
    UNMAPPED = "unmapped"
    NOT_FOUND = "not-found"
    GONE = "gone"
    CONFLICT = "conflict"
    PRECONDITION = "precondition"
    UNSUPPORTED = "unsupported"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    UNAVAILABLE = "unavailable"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the table: the same kind at every edge."""

    http: int
    issue: str
    acknowledgement: str | None
    is_retried: bool


KINDS: dict[Kind, Meaning] = {
    Kind.UNREADABLE: Meaning(400, "structure", "AR", False),
    Kind.INVALID: Meaning(422, "invalid", "AE", False),
    Kind.UNMAPPED: Meaning(422, "not-supported", "AE", False),
    Kind.NOT_FOUND: Meaning(404, "not-found", "AE", False),
    Kind.GONE: Meaning(410, "deleted", "AE", False),
    Kind.CONFLICT: Meaning(409, "conflict", "AE", False),
    Kind.PRECONDITION: Meaning(412, "conflict", "AE", False),
    Kind.UNSUPPORTED: Meaning(400, "not-supported", "AR", False),
    Kind.UNAUTHENTICATED: Meaning(401, "login", "AR", False),
    Kind.FORBIDDEN: Meaning(403, "forbidden", "AR", False),
    Kind.TOO_LARGE: Meaning(413, "too-long", "AR", False),
    Kind.TOO_MANY: Meaning(429, "throttled", "AE", True),
    # Without a committed message there is no acknowledgement at all; the edge decides that.
    Kind.UNAVAILABLE: Meaning(503, "transient", "AE", True),
    Kind.FAULT: Meaning(500, "exception", "AE", False),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One numbered error of the catalogue.

    ``zh`` and ``en`` are templates for ``str.format`` with the named details of the raise;
    a detail is a name, a path, a limit or a code table, never a patient's value. ``http`` and
    ``issue_code`` narrow the kind's row where a specification asks for another status.
    """

    number: str
    kind: Kind
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str
    issue_code: str | None = None
    http: int | None = None
