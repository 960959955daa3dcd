"""The JSON path dialect: the part of RFC 9535 that names values, without recursion or slices.

``$.a.b`` starts at the record, ``@.b`` or plain ``b`` at the anchor; ``['b']``, ``[0]``, ``[-1]``,
``[*]`` and ``.*`` as there; ``[?@.c == 'x']`` keeps the items whose member has the text (numbers
are compared as written, so ``310`` and ``'310'`` are alike). null is absent, as is what is not
there.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from gateway.formats.json_values import Item
from gateway.records import Format, Node, PathError, Selector

_Step = Callable[[Item], Iterable[Item]]

_NAME = re.compile(r"[^\W\d][\w-]*")
_STEP = re.compile(
    r"""\.(?P<name>[^\W\d][\w-]*)|(?P<star>\.\*|\[\s*\*\s*\])"""
    r"""|\[\s*(?:(?P<index>-?\d{1,9})|'(?P<single>[^']*)'|"(?P<double>[^"]*)")\s*\]"""
)
_FILTER = re.compile(
    r"""\[\s*\?\s*\(?\s*@(?P<path>(?:\.[^\W\d][\w-]*)+)\s*==?\s*"""
    r"""(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<plain>-?[\d.]+|true|false))\s*\)?\s*\]"""
)


class JSONPaths:
    """Compiles JSON paths."""

    format: Format = "json"

    def compile(self, path: str, prefixes: Mapping[str, str]) -> Selector:  # noqa: ARG002
        """Compile a path; raise PathError with the column of what does not parse."""
        steps: list[_Step] = []
        at = 1 if path[:1] in {"$", "@"} else 0
        if at == 0:
            if found := _NAME.match(path):
                steps.append(partial(_member, found.group()))
                at = found.end()
            elif path[:1] != "[":
                raise PathError("a path begins with $, @ or a member's name", 1)
        while at < len(path):
            step, at = _step(path, at)
            steps.append(step)
        return partial(_select, tuple(steps), path.startswith("$"))


def _step(path: str, at: int) -> tuple[_Step, int]:
    if found := _FILTER.match(path, at):
        wanted = next(
            one for one in (found["single"], found["double"], found["plain"]) if one is not None
        )
        names = tuple(found["path"][1:].split("."))
        return partial(_filter, names, wanted), found.end()
    if found := _STEP.match(path, at):
        if found["star"]:
            return _all, found.end()
        if found["index"]:
            return partial(_at, int(found["index"])), found.end()
        names = (found["name"], found["single"], found["double"])
        name = next(one for one in names if one is not None)
        return partial(_member, name), found.end()
    if path.startswith("..", at):
        raise PathError("descendants (..) are not read; write the whole path", at + 1)
    raise PathError("expected .name, ['name'], [0], [*] or [?@.name == 'value']", at + 1)


def _select(
    steps: tuple[_Step, ...], is_absolute: bool, anchor: Node, root: Node
) -> Sequence[Node]:
    start = root if is_absolute else anchor
    if not isinstance(start, Item):
        return ()
    items: list[Item] = [start]
    for step in steps:
        items = [found for item in items for found in step(item)]
        if not items:
            break
    return [item for item in items if item.content is not None]


def _member(name: str, item: Item) -> Iterable[Item]:
    found = item.get(name)
    return () if found is None else (found,)


def _at(index: int, item: Item) -> Iterable[Item]:
    if not isinstance(item.content, list) or not -len(item.content) <= index < len(item.content):
        return ()
    return (item.content[index],)


def _all(item: Item) -> Iterable[Item]:
    return item.children()


def _filter(names: tuple[str, ...], wanted: str, item: Item) -> Iterable[Item]:
    return [child for child in item.children() if _text(names, child) == wanted]


def _text(names: tuple[str, ...], item: Item) -> str | None:
    found: Item | None = item
    for name in names:
        found = found.get(name) if found is not None else None
    return found.text if found is not None else None
