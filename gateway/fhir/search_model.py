"""A search as data: what was asked, parsed and typed, before any SQL (R4 section 3.1.1)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from gateway.fhir.definitions import ParameterKind

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
PREFIXES: tuple[Prefix, ...] = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


@dataclass(frozen=True, slots=True)
class TokenValue:
    """``system`` None: any; empty: a code without system. ``code`` None: any of the system."""

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class TextValue:
    """A text as it was written; the store folds it unless it must match exactly."""

    text: str


@dataclass(frozen=True, slots=True)
class DateValue:
    """First and last microsecond (UTC) of what was written."""

    prefix: Prefix
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class NumberValue:
    """A number with the range [low, high) of its written precision; unit only for quantities."""

    prefix: Prefix
    number: Decimal
    low: Decimal
    high: Decimal
    system: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """An id with or without its type, a type alone, or a text (absolute URL, canonical)."""

    type: str | None
    id: str | None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class CodesValue:
    """Codes by their system, as a value set or a hierarchy lists them."""

    codes: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class TermsValue:
    """Terms of a running text that must all be there; True: any term that begins so."""

    terms: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class NearValue:
    """A place on the earth in degrees and the distance from it in kilometres."""

    latitude: float
    longitude: float
    km: float


@dataclass(frozen=True, slots=True)
class CompositeValue:
    """One value per component."""

    parts: tuple["Value", ...]


Value = (
    TokenValue
    | TextValue
    | DateValue
    | NumberValue
    | ReferenceValue
    | CodesValue
    | TermsValue
    | NearValue
    | CompositeValue
)
NEGATIVE = frozenset({"not", "not-in"})
"""Modifiers that find what has no such value, resources without the element among them."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter with alternatives, asked of each of ``types``.

    ``is_missing`` is set for ``:missing`` only. ``components`` are the kinds of a composite.
    """

    types: tuple[str, ...]
    code: str
    kind: ParameterKind
    values: tuple[Value, ...]
    modifier: str | None = None
    is_missing: bool | None = None
    components: tuple[ParameterKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """A condition on what a reference points to."""

    types: tuple[str, ...]
    code: str
    targets: tuple[str, ...]
    inner: "Condition"


@dataclass(frozen=True, slots=True)
class Has:
    """A condition on resources of a type whose reference points here."""

    types: tuple[str, ...]
    source: str
    code: str
    inner: "Condition"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Alternatives of different parameters: the ways into a compartment."""

    code: str
    alternatives: tuple[Criterion, ...]


Condition = Criterion | Chain | Has | AnyOf


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of the order."""

    types: tuple[str, ...]
    code: str
    kind: ParameterKind
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """Resources to add to the matches; ``codes`` are the reference parameters to follow.

    Without a ``source`` they are of any type and written ``Type.code``.
    """

    source: str
    codes: tuple[str, ...]
    target: str | None = None
    is_reverse: bool = False
    is_iterated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A whole search. ``used`` is what the self link shows, ``ignored`` what it leaves out."""

    types: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    sorts: tuple[Sort, ...] = ()
    includes: tuple[Include, ...] = ()
    count: int | None = None
    total: Literal["none", "estimate", "accurate"] | None = None
    summary: Literal["true", "text", "data", "count", "false"] | None = None
    elements: tuple[str, ...] = ()
    used: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
