"""``extends:`` lay a site's own file over the mapping that it takes over."""

from collections.abc import Callable
from pathlib import Path

from gateway.mapping.nodes import Node, Sequence, Table, read
from gateway.mapping.problems import Problems

_UNITED = ("source", "codes", "systems", "options")
Find = Callable[[str], Path | None]


class Source:
    """A mapping file with all that it extends: the laid-over tree and the files read for it.

    ``folders`` are where code tables are looked for, the site's own first.
    """

    def __init__(self, tree: Table, files: list[Path], folders: list[Path]) -> None:
        self.tree = tree
        self.files = files
        self.folders = folders


_KEPT: dict[tuple[str, str, int, int], Table] = {}
_MAX_KEPT = 256


def _read(path: Path, shown: str, problems: Problems) -> Table | None:
    """Read a file once as long as it does not change: many mappings extend the same one."""
    try:
        stat = path.stat()
    except OSError:
        return read(path, shown, problems)
    key = (str(path), shown, stat.st_mtime_ns, stat.st_size)
    kept = _KEPT.get(key)
    if kept is not None:
        return kept
    before = len(problems)
    tree = read(path, shown, problems)
    if tree is not None and len(problems) == before:
        if len(_KEPT) >= _MAX_KEPT:
            _KEPT.clear()
        _KEPT[key] = tree
    return tree


def load(
    path: Path, shown: str, find: Find, problems: Problems, chain: tuple[str, ...] = ()
) -> Source | None:
    """Read a mapping and what it extends; None when its file has no tree."""
    tree = _read(path, shown, problems)
    if tree is None:
        return None
    name = tree.text("extends")
    own = Source(tree, [path], [path.parent])
    if name is None:
        return own
    mark = tree.entries["extends"].mark
    parent_path = find(name)
    if parent_path is None:
        problems.add(mark, "GW-3031", name=name)
        return own
    if str(parent_path) in chain or parent_path == path:
        problems.add(mark, "GW-3038", chain=" → ".join((*chain, str(path), str(parent_path))))
        return own
    parent = load(parent_path, str(parent_path), find, problems, (*chain, str(path)))
    if parent is None:
        return own
    return Source(lay(parent.tree, tree), [path, *parent.files], [path.parent, *parent.folders])


def lay(parent: Table, own: Table) -> Table:
    """Lay a file over its base: words replace, tables unite, resources merge by ``as``."""
    made = Table(dict(parent.entries), own.mark, dict(parent.marks))
    made.entries.pop("tests", None)
    made.entries.pop("samples", None)
    for word, node in own.entries.items():
        below = made.get(word)
        made.entries[word] = _laid(word, below, node)
        made.marks[word] = own.mark_of(word)
    return made


def _laid(word: str, below: Node | None, own: Node) -> Node:
    if word in _UNITED:
        return _united(below, own)
    if isinstance(below, Sequence) and isinstance(own, Sequence):
        if word == "ignore":
            return Sequence([*below.items, *own.items], own.mark)
        if word == "resources":
            return _resources(below, own)
    return own


def _united(below: Node | None, node: Node) -> Node:
    if not isinstance(below, Table) or not isinstance(node, Table):
        return node
    return Table({**below.entries, **node.entries}, node.mark, {**below.marks, **node.marks})


def _resources(below: Sequence, own: Sequence) -> Sequence:
    """Merge resources of the same ``as``; ``drop: true`` takes one away; new ones follow."""
    changes = {t.text("as"): t for t in own.items if isinstance(t, Table)}
    made: list[Node] = []
    for item in below.items:
        change = changes.pop(item.text("as"), None) if isinstance(item, Table) else None
        if change is None or not isinstance(item, Table):
            made.append(item)
        elif change.text("drop") != "true":
            made.append(_changed(item, change))
    made += [
        item for item in own.items if not isinstance(item, Table) or item.text("as") in changes
    ]
    return Sequence(made, own.mark)


def _changed(below: Table, own: Table) -> Table:
    made = Table({**below.entries, **own.entries}, own.mark, {**below.marks, **own.marks})
    if isinstance(below.get("set"), Table) and isinstance(own.get("set"), Table):
        made.entries["set"] = _changed_set(below.entries["set"], own.entries["set"])
    if "each" in own and "each" not in below:
        made.entries.pop("from", None)
    if "from" in own and "from" not in below:
        made.entries.pop("each", None)
    return made


def _changed_set(below: Node, own: Node) -> Node:
    """Replace element by element; an element written whole replaces its dotted parts, too."""
    if not isinstance(below, Table) or not isinstance(own, Table):
        return own
    kept = {
        name: node
        for name, node in below.entries.items()
        if not any(name.startswith(f"{other}.") for other in own.entries)
    }
    return Table({**kept, **own.entries}, own.mark, {**below.marks, **own.marks})
