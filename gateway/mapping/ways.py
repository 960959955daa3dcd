"""Which rules work backwards: every rule is labelled ``both``, ``forward only`` (why) or ``back``.

A rule inverts when its path can be written, its function has an inverse and its table is one-to-one
(or marks ``prefer``). Entries of an array are told apart by the constants that stand beside.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.mapping import packaged
from gateway.mapping.functions import FUNCTIONS
from gateway.mapping.nodes import Node, Scalar, Sequence, Table
from gateway.mapping.problems import Mark

Label = Literal["both", "forward only", "back"]
_HL7 = re.compile(r"[A-Z][A-Z0-9]{2}(-\d+(\.\d+){0,2})?\Z")
_RELATIVE = re.compile(r"(\.\d+)+\Z")


@dataclass(frozen=True, slots=True)
class Step:
    """One step into a resource: an element; of an array the entry that holds the constants."""

    name: str
    constants: tuple[tuple[str, str], ...] = ()
    is_each: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """One rule's way back: from which element to which native path, or why there is none."""

    label: Label
    resource: str
    type: str
    steps: tuple[Step, ...]
    path: str
    mark: Mark
    why: str = ""
    function: str = ""
    argument: Node | None = None
    codes: Node | None = None

    @property
    def element(self) -> str:
        """Name the element as a FHIR path."""
        return ".".join([self.type, *(step.name for step in self.steps)])


@dataclass(frozen=True, slots=True)
class _At:
    """Where the walk through the rules stands."""

    resource: str
    type: str
    steps: tuple[Step, ...]
    anchor: str
    why: str = ""

    def into(self, step: Step, anchor: str | None = None, why: str = "") -> "_At":
        path = self.anchor if anchor is None else anchor
        return _At(self.resource, self.type, (*self.steps, step), path, self.why or why)


def ways_of(tree: Table, format_: str) -> tuple[Way, ...]:
    """Label every rule of a mapping."""
    return tuple(_Walk(format_).tree(tree))


class _Walk:
    def __init__(self, format_: str) -> None:
        self._format = format_
        self._datatypes: Mapping[str, Mapping[str, Node]] = packaged.datatypes(format_)

    def tree(self, tree: Table) -> Iterator[Way]:
        resources = tree.get("resources")
        tables = (
            [t for t in resources.items if isinstance(t, Table)]
            if isinstance(resources, Sequence)
            else []
        )
        types = [table.text("type") for table in tables]
        for table in tables:
            name, type_ = table.text("as") or "", table.text("type") or ""
            why = ""
            if "each" in table or "under" in table:
                why = "one of several resources"
            elif types.count(type_) > 1:
                why = f"several resources of type {type_}"
            at = _At(name, type_, (), table.text("from") or "", why)
            inner = table.get("set")
            if isinstance(inner, Table):
                yield from self._set(inner, at)
        back = tree.get("back")
        for path, node in back.entries.items() if isinstance(back, Table) else ():
            yield Way("back", "", "", (), path, node.mark, codes=node)

    def _set(self, table: Table, at: _At) -> Iterator[Way]:
        for name, node in table.entries.items():
            head, *rest = name.split(".")
            inner = at.into(Step(head))
            for part in rest:
                inner = inner.into(Step(part))
            yield from self._element(node, inner)

    def _element(self, node: Node, at: _At) -> Iterator[Way]:
        items = node.items if isinstance(node, Sequence) else [node]
        guards = [_constants(item) for item in items]
        for item, guard in zip(items, guards, strict=True):
            last = Step(at.steps[-1].name, guard)
            why = at.why
            if len(items) > 1 and (not guard or guards.count(guard) > 1):
                why = why or "its entries cannot be told apart"
            yield from self._rule(
                item, _At(at.resource, at.type, (*at.steps[:-1], last), at.anchor, why)
            )

    def _rule(self, node: Node, at: _At) -> Iterator[Way]:
        if isinstance(node, Scalar):
            if node.text.startswith(".") and len(node.text) > 1:
                yield self._way(Table({"from": node}, node.mark), at)
            elif not node.is_null:
                yield _constant(node, at)
            return
        if not isinstance(node, Table):
            return
        constant = node.get("const")
        if isinstance(constant, Scalar):
            yield _constant(constant, at)
            return
        if "when" in node and not at.steps[-1].constants:
            at = _At(
                at.resource, at.type, at.steps, at.anchor, at.why or "it depends on a condition"
            )
        ref = node.get("ref")
        if isinstance(ref, Scalar):
            return
        nested = ref if isinstance(ref, Table) else node.get("set")
        use = self._datatypes.get(node.text("use") or "")
        if nested is None and use is None:
            yield self._way(node, at)
            return
        at = self._anchored(node, at)
        if isinstance(nested, Table):
            yield from self._set(nested, at)
        if use is not None:
            fields = next((f for f in use.values() if isinstance(f, Table)), None)
            if fields is not None:
                own = set(nested.entries) if isinstance(nested, Table) else set()
                kept = {n: v for n, v in fields.entries.items() if n not in own}
                yield from self._set(Table(kept, fields.mark, fields.marks), at)

    def _anchored(self, node: Table, at: _At) -> _At:
        each, start = node.text("each"), node.text("from")
        path = self._joined(at.anchor, each or start) if each or start else at.anchor
        last = at.steps[-1]
        step = Step(last.name, last.constants, is_each=bool(each))
        why = at.why
        if each and self._format != "hl7v2":
            why = why or "repetitions"
        return _At(at.resource, at.type, (*at.steps[:-1], step), path or "", why)

    def _way(self, node: Table, at: _At) -> Way:
        source = node.get("from") or node.get("each")
        if isinstance(source, Sequence) and source.items:
            source = source.items[0]
        path = source.text if isinstance(source, Scalar) else "."
        written = self._joined(at.anchor, path)
        function, argument, why = _function(node)
        if "join" in node:
            why = "join has no inverse"
        elif written is None:
            why = "its path cannot be written"
        elif "each" in node:
            why = "repetitions"
        why = at.why or why
        label: Label = "forward only" if why else "both"
        codes = node.get("codes")
        place = (at.resource, at.type, at.steps, written or path, node.mark)
        return Way(label, *place, why, function, argument, codes)

    def _joined(self, anchor: str, path: str | None) -> str | None:
        """Give the absolute path of a path below an anchor; None when it is not writable."""
        if path is None or path == ".":
            return anchor or None
        if self._format == "rows":
            return path.removeprefix(".") if "(" not in path else None
        if self._format != "hl7v2":
            return None
        if _RELATIVE.match(path):
            if not anchor:
                return None
            joined = anchor + path if "-" in anchor else f"{anchor}-{path[1:]}"
            return joined if _HL7.match(joined) else None
        return path if _HL7.match(path) else None


def _constant(node: Scalar, at: _At) -> Way:
    """Note a constant: it is written again by whoever reads the native record."""
    return Way("both", at.resource, at.type, at.steps, "", node.mark, argument=node)


def _constants(node: Node) -> tuple[tuple[str, str], ...]:
    """Give the constants that stand in an object rule: they tell its entry from others."""
    inner = node.get("set") if isinstance(node, Table) else None
    if not isinstance(inner, Table):
        return ()
    return tuple(
        (name, value.text)
        for name, value in inner.entries.items()
        if isinstance(value, Scalar) and not value.text.startswith(".") and not value.is_null
    )


def _function(node: Table) -> tuple[str, Node | None, str]:
    """Give the one function of a rule with its argument, and why it has no inverse."""
    given = node.get("as")
    if given is None:
        return "", None, ""
    if isinstance(given, Sequence):
        return "", None, "several functions in a row"
    if isinstance(given, Scalar):
        name, argument = given.text, None
    elif isinstance(given, Table) and given.entries:
        name, argument = next(iter(given.entries.items()))
    else:
        return "", None, "no function"
    return name, argument, _why_not(name)


def _why_not(name: str) -> str:
    function = FUNCTIONS.get(name)
    return "" if function and function.inverse != "none" else f"{name} has no inverse"
