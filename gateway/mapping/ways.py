"""Which rules work backwards: every rule is labelled ``both``, ``forward only`` (why) or ``back``.

A rule inverts when its path can be written, its function has an inverse and its table is one-to-one
(or marks ``prefer``). Entries of an array are told apart by the constants that stand beside, else
by their order. A condition inverts when writing it makes it hold (``exists``, ``equals``, ``in``).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from gateway.mapping import packaged
from gateway.mapping.functions import FUNCTIONS
from gateway.mapping.nodes import Node, Scalar, Sequence, Table
from gateway.mapping.problems import Mark
from gateway.mapping.rules import outside
from gateway.mapping.shapes import Element, Shapes
from gateway.mapping.writable import joined, repeated

Label = Literal["both", "forward only", "back"]
Pairs = tuple[tuple[str, str], ...]
_ONE_PART = re.compile(r"[^{}]*\{1\}[^{}]*\Z")


@dataclass(frozen=True, slots=True)
class Step:
    """One step into a resource: an element; of an array the entry that holds the constants.

    Without constants it is the entry of that index among those that hold none of the ``others``.
    """

    name: str
    constants: Pairs = ()
    is_each: bool = False
    index: int = 0
    others: tuple[Pairs, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """One rule's way back: from which element to which native path, or why there is none.

    ``path`` is whole, with ``[*0]`` where repetitions are counted; ``writes`` are texts that make
    the rule's conditions hold; ``kind`` is the element's FHIR type.
    """

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
    kind: str = ""
    writes: Pairs = ()

    @property
    def element(self) -> str:
        """Name the element as a FHIR path."""
        return ".".join([self.type, *(step.name for step in self.steps)])


@dataclass(frozen=True, slots=True)
class Stand:
    """How a resource is found in a bundle: its type, constants, and whether it is one of many."""

    name: str
    type: str
    constants: Pairs
    is_each: bool
    under: str | None


@dataclass(frozen=True, slots=True)
class _At:
    """Where the walk through the rules stands."""

    resource: str
    type: str
    steps: tuple[Step, ...]
    anchor: str
    shape: str
    depth: int = 0
    why: str = ""
    writes: Pairs = ()
    is_doubtful: bool = False

    def refused(self, why: str) -> "_At":
        return replace(self, why=self.why or why)


def ways_of(tree: Table, format_: str, shapes: Shapes) -> tuple[Way, ...]:
    """Label every rule of a mapping."""
    return tuple(_Walk(format_, shapes).tree(tree))


def stands_of(tree: Table) -> dict[str, Stand]:
    """Say of every resource of a mapping how it is found in a bundle."""
    made: dict[str, Stand] = {}
    for table in _resources(tree):
        name, type_ = table.text("as") or "", table.text("type") or ""
        inner = table.get("set")
        constants = _deep_constants(inner) if isinstance(inner, Table) else ()
        made[name] = Stand(name, type_, constants, "each" in table, table.text("under"))
    return made


def _resources(tree: Table) -> list[Table]:
    resources = tree.get("resources")
    items = resources.items if isinstance(resources, Sequence) else []
    return [item for item in items if isinstance(item, Table)]


class _Walk:
    def __init__(self, format_: str, shapes: Shapes) -> None:
        self._format = format_
        self._shapes = shapes
        self._datatypes: Mapping[str, Mapping[str, Node]] = packaged.datatypes(format_)
        self._anchors: dict[str, tuple[str | None, int]] = {}

    def tree(self, tree: Table) -> Iterator[Way]:
        stands = stands_of(tree)
        for table in _resources(tree):
            stand = stands[table.text("as") or ""]
            at = self._start(table, stand)
            alike = [s for s in stands.values() if s.type == stand.type and s is not stand]
            if any(not (set(stand.constants) - set(other.constants)) for other in alike):
                at = at.refused(f"several resources of type {stand.type}")
            inner = table.get("set")
            if isinstance(inner, Table):
                yield from self._set(inner, at)
        back = tree.get("back")
        for path, node in back.entries.items() if isinstance(back, Table) else ():
            yield Way("back", "", "", (), path, node.mark, codes=node)

    def _start(self, table: Table, stand: Stand) -> _At:
        above, depth = self._anchors.get(stand.under or "", ("", 0))
        given = table.get("each") or table.get("from")
        item = given.items[0] if isinstance(given, Sequence) and given.items else given
        anchor: str | None = above
        if isinstance(item, Scalar) and above is not None:
            anchor = joined(above, item.text, self._format)
        if stand.is_each and anchor:
            anchor, depth = repeated(anchor, depth), depth + 1
        self._anchors[stand.name] = anchor, depth
        at = _At(stand.name, stand.type, (), anchor or "", stand.type, depth)
        if anchor is None:
            at = at.refused("the path of its resource cannot be written")
        when = table.get("when")
        writes = self._writes(when, at) if when else ()
        return replace(at, writes=writes or ())

    def _set(self, table: Table, at: _At) -> Iterator[Way]:
        for name, node in table.entries.items():
            head, _, rest = name.partition(".")
            element = self._shapes.elements(at.shape).get(head)
            if element is None or (isinstance(node, Scalar) and node.is_null):
                continue
            inner = replace(at, steps=(*at.steps, Step(head)), shape=element.shape)
            if rest:
                yield from self._set(Table({rest: node}, node.mark), inner)
            else:
                yield from self._element(node, inner, element)

    def _element(self, node: Node, at: _At, element: Element) -> Iterator[Way]:
        items = node.items if isinstance(node, Sequence) else [node]
        guards = [_constants(item) for item in items]
        is_taken = False
        for number, item in enumerate(items):
            guard = guards[number]
            inner = at
            index = 0
            if element.is_many and (not guard or guards.count(guard) > 1):
                index = guards[:number].count(guard)
                if index and any(isinstance(one, Table) and "each" in one for one in items):
                    inner = at.refused("its entries cannot be told apart")
            elif not element.is_many and len(items) > 1 and is_taken:
                inner = at.refused("an alternative")
            others = () if guard else tuple(one for one in guards if one)
            guard = guard if element.is_many else ()
            last = Step(at.steps[-1].name, guard, index=index, others=others)
            inner = replace(inner, steps=(*at.steps[:-1], last))
            for way in self._rule(item, inner, element):
                is_taken = is_taken or (way.label == "both" and bool(way.path))
                yield way

    def _rule(self, node: Node, at: _At, element: Element) -> Iterator[Way]:
        if isinstance(node, Scalar):
            if node.text.startswith(".") and len(node.text) > 1:
                yield self._way(Table({"from": node}, node.mark), at, element)
            elif not node.is_null:
                yield self._constant(node, at, element)
            return
        if not isinstance(node, Table):
            return
        if "when" in node:
            writes = self._writes(node.entries["when"], self._anchored(node, at))
            if writes is None:
                at = at.refused("it depends on a condition")
                at = replace(at, is_doubtful=not _is_absence(node.entries["when"]))
            at = replace(at, writes=(*at.writes, *(writes or ())))
        constant = node.get("const")
        if isinstance(constant, Scalar):
            yield self._constant(constant, at, element)
            return
        ref = node.get("ref")
        if isinstance(ref, Scalar):
            return
        nested = outside(ref) if isinstance(ref, Table) else node.get("set")
        fields = self._fields(node, element)
        if isinstance(fields, Scalar):
            at = self._anchored(node, at)
            yield self._way(Table({"from": fields}, node.mark), at, element)
        elif nested is None and fields is None:
            yield self._way(node, at, element)
        else:
            yield from self._nested(node, nested, fields, self._anchored(node, at))

    def _fields(self, node: Table, element: Element) -> Node | None:
        use = self._datatypes.get(node.text("use") or "")
        return use.get(element.type) if use else None

    def _nested(
        self, node: Table, nested: Node | None, fields: Node | None, at: _At
    ) -> Iterator[Way]:
        del node
        if isinstance(nested, Table):
            yield from self._set(nested, at)
        if isinstance(fields, Table):
            own = set(nested.entries) if isinstance(nested, Table) else set()
            kept = {n: v for n, v in fields.entries.items() if n.partition(".")[0] not in own}
            yield from self._set(Table(kept, fields.mark, fields.marks), at)

    def _anchored(self, node: Table, at: _At) -> _At:
        given = node.get("each")
        if given is None and any(word in node for word in ("set", "use", "ref")):
            given = node.get("from")
        if given is None:
            return at
        path = _first_text(given)
        whole = joined(at.anchor, path, self._format) if path else None
        if whole is None:
            return at.refused("its path cannot be written")
        if "each" not in node:
            return replace(at, anchor=whole)
        last = replace(at.steps[-1], is_each=True)
        whole = repeated(whole, at.depth)
        return replace(at, steps=(*at.steps[:-1], last), anchor=whole, depth=at.depth + 1)

    def _way(self, node: Table, at: _At, element: Element) -> Way:
        if "each" in node:
            at = self._anchored(node, at)
        source = node.get("from")
        path = (_first_text(source) if source else ".") or "."
        function, argument, why = _function(node)
        if "join" in node:
            path, function, argument, why = _joined_part(node)
        written = joined(at.anchor, path, self._format)
        if written is None and not why:
            why = "its path cannot be written"
        why = at.why or why
        label: Label = "forward only" if why else "both"
        place = (at.resource, at.type, at.steps, written or path, node.mark)
        codes = node.get("codes")
        return Way(label, *place, why, function, argument, codes, element.type, at.writes)

    def _constant(self, node: Scalar, at: _At, element: Element) -> Way:
        """Note a constant: it is written again by whoever reads the native record."""
        place = (at.resource, at.type, at.steps, "", node.mark)
        if at.is_doubtful:
            return Way("forward only", *place, at.why, kind=element.type)
        return Way("both", *place, argument=node, kind=element.type, writes=at.writes)

    def _writes(self, node: Node | None, at: _At) -> Pairs | None:
        """Give the texts that make a condition hold; None when no text does by itself."""
        if not isinstance(node, Table):
            return None
        made: list[tuple[str, str]] = []
        for word, value in node.entries.items():
            inner: Pairs | None = None
            if word == "exists":
                inner = ()
            elif word == "all" and isinstance(value, Sequence):
                parts = [self._writes(item, at) for item in value.items]
                if None not in parts:
                    inner = tuple(pair for part in parts for pair in part or ())
            elif word in ("equals", "in") and isinstance(value, Sequence):
                inner = self._text_of(value, at)
            if inner is None:
                return None
            made += inner
        return tuple(made)

    def _text_of(self, value: Sequence, at: _At) -> Pairs | None:
        path, text = (_first_text(item) for item in value.items[:2])
        whole = joined(at.anchor, path, self._format) if path else None
        return ((whole, text),) if whole and text is not None else None


def _is_absence(when: Node) -> bool:
    """Say whether a condition asks for what is not there, which a new record holds by itself."""
    words = set(when.entries) if isinstance(when, Table) else set()
    return bool(words) and words <= {"missing", "not"}


def _first_text(node: Node) -> str | None:
    first = node.items[0] if isinstance(node, Sequence) and node.items else node
    return first.text if isinstance(first, Scalar) else None


def _joined_part(node: Table) -> tuple[str, str, Node | None, str]:
    """Read a template around one path as a prefix and a suffix; other joins have no inverse."""
    parts, template = node.entries["join"], node.get("template")
    items = parts.items if isinstance(parts, Sequence) else [parts]
    is_one = len(items) == 1 and isinstance(items[0], Scalar)
    if (
        is_one
        and isinstance(template, Scalar)
        and _ONE_PART.match(template.text)
        and ("as" not in node and "codes" not in node)
    ):
        return _first_text(items[0]) or ".", "template", template, ""
    return ".", "", None, "join has no inverse"


def _constants(node: Node) -> Pairs:
    """Give the constants that stand in an object rule: they tell its entry from others."""
    inner = node.get("set") if isinstance(node, Table) else None
    if not isinstance(inner, Table):
        return ()
    return tuple(
        (name, text)
        for name, value in inner.entries.items()
        if (text := _constant_text(value)) is not None
    )


def _constant_text(node: Node) -> str | None:
    if isinstance(node, Table) and "when" not in node:
        return node.text("const")
    is_constant = isinstance(node, Scalar) and not node.text.startswith(".") and not node.is_null
    return node.text if isinstance(node, Scalar) and is_constant else None


def _deep_constants(table: Table, start: str = "") -> Pairs:
    """Give the constants of a resource and of the objects in it, by dotted name."""
    made: list[tuple[str, str]] = []
    for name, node in table.entries.items():
        text = _constant_text(node)
        inner = node.get("set") if isinstance(node, Table) and "when" not in node else None
        if text is not None:
            made.append((start + name, text))
        elif isinstance(inner, Table) and isinstance(node, Table) and "each" not in node:
            made += _deep_constants(inner, f"{start}{name}.")
    return tuple(made)


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
