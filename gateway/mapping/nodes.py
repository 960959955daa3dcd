"""YAML as a tree in which every value knows its file, line and column.

Scalars keep their text: ``.1`` is a path and ``01`` a code, whatever YAML would make of them;
what a scalar means is decided by the element it is written for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import yaml

from gateway.mapping.problems import Mark, Problems

MAX_DEPTH = 60
_INTEGER = re.compile(r"-?(0|[1-9]\d*)\Z")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)\.\d+\Z")
# ``PID-3[type=NI].1`` may stand in a YAML list or table, where brackets would end a text: those of
# a path's predicate are read as other characters of the same width, so that columns stay true.
_PREDICATE = re.compile(r"(?<=[\w.)\]])\[([^\[\]{}\n]*)\]")
_OPEN, _CLOSE, _COMMA = "\U000f7f01", "\U000f7f02", "\U000f7f03"
_VEILS = str.maketrans({_OPEN: "[", _CLOSE: "]", _COMMA: ","})
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(slots=True)
class Scalar:
    """A text as the author wrote it."""

    text: str
    is_quoted: bool
    mark: Mark

    @property
    def is_null(self) -> bool:
        """Say whether nothing was written (``null``, ``~`` or an empty value)."""
        return not self.is_quoted and self.text in ("", "~", "null")

    @property
    def plain(self) -> object:
        """Give the value as YAML 1.2 would read it, decimals exact."""
        if self.is_quoted:
            return self.text
        if self.text in _WORDS:
            return _WORDS[self.text]
        if _INTEGER.match(self.text):
            return int(self.text)
        return Decimal(self.text) if _DECIMAL.match(self.text) else self.text


@dataclass(slots=True)
class Sequence:
    """A list."""

    items: list["Node"]
    mark: Mark

    def __iter__(self) -> Iterator["Node"]:
        """Iterate the items."""
        return iter(self.items)


@dataclass(slots=True)
class Table:
    """Words and their values; ``marks`` says where each word stands."""

    entries: dict[str, "Node"]
    mark: Mark
    marks: dict[str, Mark] = field(default_factory=dict)

    def get(self, word: str) -> "Node | None":
        """Give the value of a word or None."""
        return self.entries.get(word)

    def text(self, word: str) -> str | None:
        """Give the text of a word when it is a scalar that says something."""
        node = self.entries.get(word)
        return node.text if isinstance(node, Scalar) and not node.is_null else None

    def __contains__(self, word: str) -> bool:
        """Say whether the word is written."""
        return word in self.entries

    def mark_of(self, word: str) -> Mark:
        """Say where the word stands (else where the whole table starts)."""
        return self.marks.get(word, self.mark)


Node = Scalar | Sequence | Table


def read(path: Path, shown: str, problems: Problems) -> Table | None:
    """Read a YAML file; collect what is wrong with it; None when there is no tree at all."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as err:
        problems.add(Mark(shown, 1, 1), "GW-3010", reason=err.strerror or "cannot be read")
        return None
    except UnicodeDecodeError as err:
        line = path.read_bytes()[: err.start].count(b"\n") + 1
        problems.add(Mark(shown, line, 1), "GW-3010", reason="not UTF-8")
        return None
    return parse(text, shown, problems)


def parse(text: str, shown: str, problems: Problems) -> Table | None:
    """Parse YAML text into the tree."""
    text = _PREDICATE.sub(_veiled, text)
    return _quickly(text, shown) or _slowly(text, shown, problems)


def _veiled(found: re.Match[str]) -> str:
    return f"{_OPEN}{found[1].replace(',', _COMMA)}{_CLOSE}"


def _unveiled(text: str) -> str:
    return text.translate(_VEILS) if _OPEN in text else text


def _slowly(text: str, shown: str, problems: Problems) -> Table | None:
    """Parse with PyYAML's own composer, which says what is wrong in words for authors."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as err:
        at = err.problem_mark
        mark = Mark(shown, at.line + 1, at.column + 1) if at else Mark(shown, 1, 1)
        problems.add(mark, "GW-3010", reason=err.problem or "not YAML")
        return None
    except (yaml.YAMLError, RecursionError):
        problems.add(Mark(shown, 1, 1), "GW-3010", reason="not YAML")
        return None
    if not isinstance(root, yaml.MappingNode):
        problems.add(Mark(shown, 1, 1), "GW-3012", word="the file", expected="words and values")
        return None
    tree = _convert(root, shown, problems, {}, 0)
    return tree if isinstance(tree, Table) else None


class _Unusual(Exception):  # noqa: N818 - it is no error yet
    """Something that only the slow reading has words for."""


def _quickly(text: str, shown: str) -> Table | None:
    """Read a file without mistakes by libyaml's events; None for any other.

    Events, because libyaml's own composer overflows the stack where a file is nested deep enough.
    """
    if not yaml.__with_libyaml__:
        return None
    events = cast("Iterator[Any]", yaml.parse(text, Loader=yaml.CSafeLoader))
    try:
        next(events)
        next(events)
        tree = _built(next(events), events, shown, {}, 0)
        next(events)
        is_single = isinstance(next(events), yaml.StreamEndEvent)
    except (yaml.YAMLError, _Unusual, StopIteration):
        return None
    return tree if is_single and isinstance(tree, Table) else None


def _built(
    event: Any, events: Iterator[Any], shown: str, named: dict[str, Node], depth: int
) -> Node:
    if isinstance(event, yaml.AliasEvent):  # libyaml's events are PyYAML's
        if event.anchor not in named:
            raise _Unusual
        return named[event.anchor]
    mark = Mark(shown, event.start_mark.line + 1, event.start_mark.column + 1)
    made: Node
    key: Any
    if isinstance(event, yaml.ScalarEvent):
        made = Scalar(_unveiled(event.value), bool(event.style), mark)
    elif depth >= MAX_DEPTH:
        raise _Unusual
    elif isinstance(event, yaml.SequenceStartEvent):
        made = Sequence([], mark)
        while not isinstance(event_in := next(events), yaml.SequenceEndEvent):
            made.items.append(_built(event_in, events, shown, named, depth + 1))
    else:
        made = Table({}, mark)
        while not isinstance(key := next(events), yaml.MappingEndEvent):
            is_word = isinstance(key, yaml.ScalarEvent) and bool(key.value) and not key.anchor
            if not is_word or _unveiled(key.value) in made.entries:
                raise _Unusual
            at = Mark(shown, key.start_mark.line + 1, key.start_mark.column + 1)
            word = _unveiled(key.value)
            made.marks[word] = at
            made.entries[word] = _built(next(events), events, shown, named, depth + 1)
    if event.anchor:
        if event.anchor in named:
            raise _Unusual
        named[event.anchor] = made
    return made


def _convert(
    node: yaml.Node, shown: str, problems: Problems, done: dict[int, Node], depth: int
) -> Node:
    known = done.get(id(node))
    if known is not None:
        return known
    mark = Mark(shown, node.start_mark.line + 1, node.start_mark.column + 1)
    if depth > MAX_DEPTH:
        problems.add(mark, "GW-3010", reason=f"nested deeper than {MAX_DEPTH}")
        return Scalar("", False, mark)
    made: Node
    if isinstance(node, yaml.ScalarNode):
        made = Scalar(_unveiled(node.value), node.style is not None, mark)
    elif isinstance(node, yaml.SequenceNode):
        made = Sequence([_convert(n, shown, problems, done, depth + 1) for n in node.value], mark)
    else:
        made = Table({}, mark)
        for key, value in node.value:
            at = Mark(shown, key.start_mark.line + 1, key.start_mark.column + 1)
            word = _unveiled(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if not word:
                problems.add(at, "GW-3012", word="a key", expected="a word")
            elif word in made.entries:
                problems.add(at, "GW-3015", word=word)
            made.entries[word] = _convert(value, shown, problems, done, depth + 1)
            made.marks[word] = at
    done[id(node)] = made
    return made


def plain(node: Node) -> object:
    """Give the tree as plain Python values (for the JSON Schema)."""
    if isinstance(node, Scalar):
        return node.plain
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {word: plain(value) for word, value in node.entries.items()}


def locate(root: Node, path: list[str | int]) -> Mark:
    """Find where a path of words and indices stands."""
    node, mark = root, root.mark
    for step in path:
        if isinstance(node, Table) and isinstance(step, str) and step in node.entries:
            mark, node = node.mark_of(step), node.entries[step]
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            mark = node.mark
    return mark
