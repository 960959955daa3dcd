"""The Python that a mapping becomes: written when its first record arrives, compiled once.

Rules do not run themselves: each writes the statements that give its value. Constants are folded
into the text, conditions become expressions, and a rule that needs more than a few statements
calls a function of this package, bound to a name. The same mapping always gives the same text.

Inside a function ``f`` is the frame, ``s`` what its anchor was asked for (``run.Looks``), ``top``
the same of the whole record, ``p`` a JSON pointer, ``rows`` the lineage.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from gateway.mapping.run import Frame
from gateway.mapping.tracing import Leaf
from gateway.records import LineageKind, Selector

_PRELUDE = "run = f.run; root = run.root; rows = run.lineage"
_DEEPEST = 16
"""Python allows twenty loops within each other."""


class Here(NamedTuple):
    """Where a statement stands: the names of its frame and looks, and the pointer of its value.

    The pointer is a variable and a constant text after it.
    """

    frame: str = "f"
    looks: str = "s"
    pointer: str = "p"
    suffix: str = ""

    def below(self, name: str) -> "Here":
        """Give the place of a part, with the same frame."""
        return self._replace(suffix=f"{self.suffix}/{name}")

    @property
    def path(self) -> str:
        """The expression of the pointer."""
        return f"{self.pointer} + {self.suffix!r}" if self.suffix else self.pointer


class Code:
    """Python source under construction: functions, and the names they find outside themselves."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"Frame": Frame}
        self._bound: dict[int, str] = {}
        self._keys: dict[object, int] = {}
        self._leaves: dict[Leaf, str] = {}
        self._done: list[str] = []
        self._lines: list[str] = []
        self._depth = 0
        self._nested = 0
        self._count = 0
        self.asked: dict[Selector, None] = {}

    def put(self, *lines: str) -> None:
        """Write statements."""
        self._lines += [" " * self._depth + line for line in lines]

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write statements under a head such as ``if x:``."""
        self.put(head)
        self._depth += 1
        yield
        self._depth -= 1

    @contextmanager
    def function(self, stem: str, parameters: str) -> Iterator[str]:
        """Write a function of its own, whose first parameter is ``f``, and give its name."""
        name = self.fresh(stem)
        outer, self._lines = (self._lines, self._depth), []
        self._depth = 0
        self._nested += 1
        with self.block(f"def {name}({parameters}):"):
            self.put(f"{_PRELUDE}; s = f.looks; top = run.top")
            yield name
        self._nested -= 1
        self._done += self._lines
        self._lines, self._depth = outer

    @property
    def is_deep(self) -> bool:
        """Whether what follows is better written as a function of its own."""
        return self._depth > _DEEPEST

    def fresh(self, stem: str) -> str:
        """Give a name that is not used yet."""
        self._count += 1
        return f"{stem}{self._count}"

    def bind(self, value: Any, stem: str) -> str:
        """Give the name of an object made by the compiler; the same object has one name."""
        name = self._bound.get(id(value))
        if name is None:
            name = self._bound[id(value)] = self.fresh(f"{stem}_")
            self.names[name] = value
        return name

    def named(self, expression: str, stem: str = "v") -> str:
        """Give a variable that holds a value."""
        if expression.isidentifier():
            return expression
        name = self.fresh(stem)
        self.put(f"{name} = {expression}")
        return name

    def key(self, value: object) -> int:
        """Number a value: equal ones alike."""
        return self._keys.setdefault(value, len(self._keys))

    def literal(self, value: Any) -> str:
        """Write a constant of a mapping."""
        return self.bind(value, "number") if isinstance(value, Decimal) else repr(value)

    def look(self, select: Selector, here: Here) -> str:
        """Write the expression of the values that a path gives."""
        is_absolute = getattr(select, "is_absolute", False)
        if self._nested == 1 and here.looks == "s" and not is_absolute:
            self.asked[select] = None
        return f"{'top' if is_absolute else here.looks}[{self.bind(select, 'path')}]"

    def frame(self, anchor: str, here: Here) -> Here:
        """Begin a frame inside another one, on a node."""
        frame, looks = self.fresh("f"), self.fresh("s")
        self.put(f"{frame} = Frame(run, {anchor}, {here.frame}.instance, {here.frame})")
        self.put(f"{looks} = {frame}.looks")
        return here._replace(frame=frame, looks=looks)

    def entry(self, whole: Here, values: str, frame: Here | None = None) -> Here:
        """Keep the pointer of the next entry of an array, whose values so far are in a list."""
        pointer = self.fresh("p")
        start = f"{whole.suffix}/"
        self.put(f"{pointer} = {whole.pointer} + {start!r} + str(len({values}))")
        return (frame or whole)._replace(pointer=pointer, suffix="")

    def row(self, here: Here, kind: LineageKind, sources: str, rule: str) -> None:
        """Write that the leaf here came from these sources."""
        leaf = Leaf(here.suffix, kind, rule)
        name = self._leaves.get(leaf)
        if name is None:
            name = self._leaves[leaf] = self.fresh("leaf_")
            self.names[name] = (leaf,)
        self.put(f"rows += {here.pointer}, {name}, {sources}")

    @property
    def text(self) -> str:
        """The functions written so far."""
        return "\n".join(self._done) + "\n"

    def compiled(self, title: str) -> dict[str, Any]:
        """Compile what was written and give it by name."""
        names = dict(self.names)
        exec(_compiled(self.text, title), names)  # noqa: S102 - texts of a mapping stand in it as literals only
        return names


@lru_cache(maxsize=256)
def _compiled(text: str, title: str) -> CodeType:
    """Compile a text once: a mapping that is loaded again has the same."""
    return compile(text, f"<mapping {title}>", "exec")
