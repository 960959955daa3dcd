"""Which segment belongs to which: the groups of HL7 v2 messages, without a grammar per message.

The segments of a message form a tree: each hangs under the nearest segment before it that can own
it (``OWNS``), so an OBX hangs under its OBR, that under its ORC, that under the visit and the
patient. Order, request and specimen nest in the order in which they first appear, which is how
ORU (ORC, OBR, SPM) and OUL^R22 (SPM, OBR, ORC) differ. NTE and segments that the table does not
know (Z segments) belong to the segment they follow.

``Tree.find`` answers what a segment name means beside an anchor, the rule of the path dialect:

1. the anchor itself, if it has that name;
2. else what hangs below the anchor (of NTE only what hangs on the anchor itself);
3. else nothing, if it would hang below such an anchor: a result without NTE has none, and never
   takes the comment of its request or of its neighbour. A patient or visit that is the only one
   in its scope is not asked this: messages put DG1 or AL1 before PV1 as well;
4. else the same question to the segment above: for an OBX, ``OBR-4`` is its own request,
   ``ORC-2`` its own order, ``PID-3`` its own patient. What owns others of the anchor's name is
   theirs and not taken, and among ORC, OBR, SPM and SAC only what stands above is.
"""

from bisect import bisect_right
from collections.abc import Sequence

from gateway.formats.hl7v2_values import Segment


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_RESULT = _names("OBX TCD SID PRT")
_ORDER_DETAIL = _names(
    "OBR RXO RXE RXD RXG RXA RXR RXC ODS ODT RQD RQ1 TQ1 TQ2 CTI BLG FT1 CTD SAC INV BPO BPX"
    " BTX DG1"
)
_VISIT = _names(
    "PV2 ROL DB1 OBX AL1 IAM DG1 DRG PR1 GT1 IN1 ACC UB1 UB2 PDA ORC OBR FT1 TXA RXE RXD RXA"
    " ARV PRT PRB GOL PTH"
)
OWNS: dict[str, frozenset[str]] = {
    "PID": _VISIT | {"PD1", "NK1", "MRG", "PV1", "SPM"},
    "PV1": _VISIT | {"SPM"},
    "ORC": _ORDER_DETAIL | _RESULT | {"SPM", "TXA"},
    "OBR": _RESULT | _names("TQ1 TQ2 CTD DG1 CTI FT1 SPM SAC ORC"),
    "SPM": _RESULT | _names("SAC INV OBR ORC"),
    "SAC": _names("INV OBX OBR ORC SPM"),
    "OBX": _names("PRT TCD SID"),
    "RXO": _names("RXR RXC"),
    "RXE": _names("RXR RXC TQ1 TQ2 OBX"),
    "RXD": _names("RXR RXC OBX"),
    "RXG": _names("RXR RXC OBX"),
    "RXA": _names("RXR OBX"),
    "TXA": _names("CON OBX"),
    "FT1": _names("PR1 OBX ROL FTS"),
    "PR1": _names("ROL AUT CTD OBX"),
    "IN1": _names("IN2 IN3 ROL AUT CTD RF1"),
    "IN2": frozenset(),
    "RF1": _names("AUT CTD"),
    "PRD": _names("CTD"),
    "RGS": _names("AIS AIG AIL AIP"),
    **dict.fromkeys(_names("AIS AIG AIL AIP"), frozenset()),
    "PRB": _names("ROL PRT OBX GOL PTH ORC"),
    "GOL": _names("ROL PRT OBX"),
}
_LEAVES = _names("EVN SFT UAC MSA ERR QAK QRD QRF QPD RCP DSC SCH ADD STF").union(*OWNS.values())
_NESTING = ("ORC", "OBR", "SPM", "SAC")
_ATTACHED = "NTE"
_ORDER = frozenset(("ORC", "OBR"))
_WHOLE = frozenset(("PID", "PV1"))

GROUPS: dict[str, tuple[str, ...]] = {
    "PATIENT_RESULT": ("PID",),
    "PATIENT": ("PID",),
    "VISIT": ("PV1",),
    "PATIENT_VISIT": ("PV1",),
    "ORDER": ("ORC", "OBR"),
    "COMMON_ORDER": ("ORC", "OBR"),
    "ORDER_OBSERVATION": ("ORC", "OBR"),
    "OBSERVATION_REQUEST": ("OBR",),
    "RESULTS": ("OBR",),
    "OBSERVATION": ("OBX",),
    "RESULT": ("OBX",),
    "RESULTS_NOTES": ("OBX",),
    "SPECIMEN": ("SPM",),
    "CONTAINER": ("SAC",),
    "INSURANCE": ("IN1",),
    "PROCEDURE": ("PR1",),
    "FINANCIAL": ("FT1",),
    "PROVIDER": ("PRD",),
    "PROVIDER_CONTACT": ("PRD",),
    "AUTHORIZATION_CONTACT": ("RF1",),
    "RESOURCES": ("RGS",),
    "SERVICE": ("AIS",),
    "GENERAL_RESOURCE": ("AIG",),
    "LOCATION_RESOURCE": ("AIL",),
    "PERSONNEL_RESOURCE": ("AIP",),
    "TIMING": ("TQ1",),
}
"""Group names of the message structures by the segments that begin them, outermost first."""


class Tree:
    """The segments of one message with their owners; the first segment (MSH) is the root.

    A segment's subtree is a run of the message (``index`` to ``end``), so that what lies below is
    found by bisection, however long the message.
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.root = segments[0]
        self._named: dict[str, list[Segment]] = {}
        self._nesting: dict[str, int] = {}
        self._reached: dict[tuple[str, str], bool] = {}
        self._without: dict[tuple[int, str, str], bool] = {}
        self._above: dict[tuple[int, str, str], list[Segment]] = {}
        for segment in segments:
            self._named.setdefault(segment.name, []).append(segment)
            if segment.name in _NESTING:
                self._nesting.setdefault(segment.name, len(self._nesting))
        self._grow(segments)

    def _grow(self, segments: Sequence[Segment]) -> None:
        open_ = [self.root]
        requested: set[int] = set()
        for segment in segments[1:]:
            if _follows_any(segment.name):
                segment.parent = open_[-1]
                continue
            while len(open_) > 1 and not self._takes(open_[-1], segment.name, requested):
                open_.pop()
            segment.parent = open_[-1]
            open_.append(segment)
            if segment.name in _ORDER:
                requested.add(segment.parent.index)
        for segment in reversed(segments):
            if segment.parent is not None:
                segment.parent.end = max(segment.parent.end, segment.end)

    def _takes(self, owner: Segment, name: str, requested: set[int]) -> bool:
        if not self._owns(owner.name, name):
            return False
        # An order's document stands before its request (ORU from 2.8 on); one behind the request
        # is the message's own (MDM).
        if owner.name == "ORC" and name == "TXA":
            return owner.index not in requested
        # One order opens one group: a second request below it would take the first one's numbers.
        return not (owner.name in _ORDER and name in _ORDER and owner.index in requested)

    def _owns(self, owner: str, name: str) -> bool:
        if name not in OWNS.get(owner, ()):
            return False
        nesting = self._nesting
        return not (owner in nesting and name in nesting) or nesting[owner] < nesting[name]

    def _reaches(self, owner: str, name: str) -> bool:
        key = (owner, name)
        if key not in self._reached:
            self._reached[key] = False
            self._reached[key] = self._owns(owner, name) or any(
                self._reaches(child, name)
                for child in OWNS.get(owner, ())
                if child in OWNS and child in self._named and self._owns(owner, child)
            )
        return self._reached[key]

    def find(self, name: str, anchor: Segment) -> list[Segment]:
        """Give the segments that a name means beside an anchor, in order (see the module)."""
        if name not in self._named:
            return []
        if anchor.name == name:
            return [anchor]
        if anchor.end > anchor.index and (found := self.below(anchor, name)):
            return found
        if anchor.parent is None:
            return []
        # Neighbours of one name under one owner are answered alike.
        key = (anchor.parent.index, anchor.name, name)
        known = self._above.get(key)
        if known is None:
            known = self._above[key] = self._around(anchor, name)
        return known

    def _around(self, anchor: Segment, name: str) -> list[Segment]:
        """Ask the segments above an anchor, from the nearest on."""
        scope = anchor
        is_nested = name in self._nesting and anchor.name in self._nesting
        while scope.parent is not None and not self._is_without(scope, name):
            scope = scope.parent
            if scope.name == name:
                return [scope]
            if is_nested:
                continue
            found = self._run(scope, name)
            if found := [one for one in found if not self._run(one, anchor.name)]:
                return found
        return []

    def below(self, anchor: Segment, name: str) -> list[Segment]:
        """Give what hangs below an anchor; comments only where they hang on it directly."""
        found = self._run(anchor, name)
        if name == _ATTACHED and anchor.parent is not None:
            return [one for one in found if one.parent is anchor]
        return found

    def hanging(self, anchor: Segment, name: str) -> list[Segment]:
        """Give what hangs on an anchor itself."""
        return [one for one in self._run(anchor, name) if one.parent is anchor]

    def heads(self, group: str, anchor: Segment) -> list[Segment]:
        """Give the segments that begin the groups of a name: around the anchor, else below it.

        Where none lies around or below the anchor, all of the message are meant.
        """
        names = GROUPS[group]
        outermost: Segment | None = None
        scope: Segment | None = anchor
        while scope is not None:
            if scope.name in names:
                outermost = scope
            scope = scope.parent
        if outermost is not None:
            return [outermost]
        return self._outermost(anchor, names) or self._outermost(self.root, names)

    def _outermost(self, scope: Segment, names: tuple[str, ...]) -> list[Segment]:
        found = sorted(
            (one for name in names for one in self._run(scope, name)), key=lambda one: one.index
        )
        heads: list[Segment] = []
        for one in found:
            if not heads or one.index > heads[-1].end:
                heads.append(one)
        return heads

    def _run(self, scope: Segment, name: str) -> list[Segment]:
        """Give the segments of a name below a scope, at any depth."""
        named = self._named.get(name, [])
        start = bisect_right(named, scope.index, key=_index)
        return named[start : bisect_right(named, scope.end, key=_index)]

    def _is_without(self, scope: Segment, name: str) -> bool:
        """Whether a segment that lacks what its like owns is known to have none."""
        if name == _ATTACHED:
            return True
        is_known = not _follows_any(name)
        if is_known and not self._reaches(scope.name, name):
            return False
        key = (scope.parent.index if scope.parent else -1, scope.name, name)
        if key not in self._without:
            alike = [one for one in self._named[scope.name] if one.parent is scope.parent]
            # A segment the table does not know belongs to the kind of segment that carries it.
            is_owned = is_known or any(self._run(one, name) for one in alike)
            self._without[key] = is_owned and (scope.name not in _WHOLE or len(alike) > 1)
        return self._without[key]


def _index(segment: Segment) -> int:
    return segment.index


def _follows_any(name: str) -> bool:
    return name == _ATTACHED or (name not in OWNS and name not in _LEAVES)
