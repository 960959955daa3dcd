"""The part of FHIRPath that search parameters are written in, parsed to a small tree.

Paths, ``|``, ``as``, ``ofType``, ``where(x='y')``, ``where(resolve() is T)``, ``extension(url)``,
``exists()``, ``first()``, an index, and comparisons joined by ``and``. Nothing else stands in R4's
own 1,375 definitions.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<name>%?[A-Za-z_]\w*) | (?P<string>'(?:[^'\\]|\\.)*') | (?P<number>\d+)
      | (?P<sign>!=|[.()\[\]|=$])
    )""",
    re.VERBOSE,
)


class SearchExpressionError(ValueError):
    """An expression outside of the language, or of elements that the type has not."""


@dataclass(frozen=True, slots=True)
class Member:
    """Go to an element by name; the first one of a path may name a type."""

    name: str


@dataclass(frozen=True, slots=True)
class Cast:
    """Keep what is of the type (``as``, ``ofType``)."""

    type: str


@dataclass(frozen=True, slots=True)
class Index:
    """Keep one item of a list."""

    position: int


@dataclass(frozen=True, slots=True)
class Extension:
    """Go to the extensions of one url."""

    url: str


@dataclass(frozen=True, slots=True)
class Where:
    """Keep what meets a condition."""

    condition: "Condition"


Step = Member | Cast | Index | Extension | Where
Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """Say whether a path leads to anything."""

    path: Path


@dataclass(frozen=True, slots=True)
class Compare:
    """Compare what a path leads to with a constant: equal, or with ``is_negated`` not equal."""

    path: Path
    constant: str | bool | int
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Resolves:
    """Say whether a reference points to a type."""

    type: str


Condition = tuple[Exists | Compare | Resolves, ...]
"""Tests that must all hold."""


@dataclass(frozen=True, slots=True)
class Truth:
    """An expression whose value is whether a condition holds."""

    condition: Condition


def parse(expression: str) -> tuple[Path, ...] | Truth:
    """Parse an expression: the paths of a union, or a condition whose truth is the value.

    Raises SearchExpressionError.
    """
    parser = _Parser(expression)
    if parser.is_condition:
        return Truth(parser.condition_to_end())
    return parser.union_to_end()


def _words(expression: str) -> list[str]:
    words, position = [], 0
    expression = expression.rstrip()
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise SearchExpressionError(f"unexpected character at {position + 1}")
        words.append(match[match.lastgroup or 0])
        position = match.end()
    return words


class _Parser:
    """Recursive descent over the words of one expression."""

    def __init__(self, expression: str) -> None:
        self._words = [*_words(expression), ""]
        self._at = 0
        depth, self.is_condition = 0, False
        for word in self._words:
            depth += (word == "(") - (word == ")")
            self.is_condition |= depth == 0 and word in ("and", "=", "!=")

    def union_to_end(self) -> tuple[Path, ...]:
        """Parse the whole expression as a union of paths."""
        paths = self._union()
        self._expect("")
        return paths

    def condition_to_end(self) -> Condition:
        """Parse the whole expression as a condition."""
        condition = self._condition()
        self._expect("")
        return condition

    def _next(self) -> str:
        word = self._words[self._at]
        self._at = min(self._at + 1, len(self._words) - 1)
        return word

    def _take(self, word: str) -> bool:
        if self._words[self._at] != word:
            return False
        self._next()
        return True

    def _expect(self, word: str) -> None:
        found = self._next()
        if found != word:
            raise SearchExpressionError(f"expected {word or 'the end'}, found {found or 'the end'}")

    def _name(self) -> str:
        word = self._next()
        if not word.lstrip("%").isidentifier():
            raise SearchExpressionError(f"expected a name, found {word or 'the end'}")
        return word

    def _position(self) -> int:
        word = self._next()
        if not word.isdigit():
            raise SearchExpressionError(f"expected an index, found {word or 'the end'}")
        return int(word)

    def _union(self) -> tuple[Path, ...]:
        paths = list(self._alternatives())
        while self._take("|"):
            paths.extend(self._alternatives())
        return tuple(paths)

    def _alternatives(self) -> tuple[Path, ...]:
        """Parse a path, or a union in brackets with the steps after it, and a cast."""
        if self._take("("):
            starts = self._union()
            self._expect(")")
        else:
            starts = ((self._first(),),)
        steps = self._steps()
        if self._take("as"):
            steps = (*steps, Cast(self._name()))
        return tuple((*start, *steps) for start in starts)

    def _first(self) -> Step:
        if self._words[self._at] in ("extension", "resolve"):
            step = self._call(self._next())
            if step is not None:
                return step
        return Member(self._name())

    def _steps(self) -> Path:
        steps: list[Step] = []
        while True:
            if self._take("["):
                steps.append(Index(self._position()))
                self._expect("]")
            elif self._take("."):
                name = self._name()
                step = self._call(name)
                if step is None and name == "exists":
                    # The caller sees the brackets: only a condition may end so.
                    self._at -= 1
                    return tuple(steps)
                steps.append(step or Member(name))
            else:
                return tuple(steps)

    def _call(self, name: str) -> Step | None:
        """Parse the brackets of a function; None when the name is an element's."""
        if name == "exists" or not self._take("("):
            return None
        step: Step
        if name in ("as", "ofType"):
            step = Cast(self._name())
        elif name == "extension":
            step = Extension(self._constant_text())
        elif name == "first":
            step = Index(0)
        elif name == "where":
            step = Where(self._condition())
        else:
            raise SearchExpressionError(f"the function {name}() is not part of the language")
        self._expect(")")
        return step

    def _condition(self) -> Condition:
        tests = [self._test()]
        while self._take("and"):
            tests.append(self._test())
        return tuple(tests)

    def _test(self) -> Exists | Compare | Resolves:
        if self._words[self._at : self._at + 4] == ["resolve", "(", ")", "is"]:
            self._at += 4
            return Resolves(self._name())
        path = (self._first(), *self._steps())
        if self._take("exists"):
            self._expect("(")
            self._expect(")")
            return Exists(path)
        is_negated = self._take("!=")
        if not is_negated:
            self._expect("=")
        return Compare(path, self._constant(), is_negated)

    def _constant(self) -> str | bool | int:
        word = self._words[self._at]
        if word in ("true", "false"):
            return self._next() == "true"
        if word.isdigit():
            return int(self._next())
        return self._constant_text()

    def _constant_text(self) -> str:
        word = self._next()
        if not word.startswith("'"):
            raise SearchExpressionError(f"expected a constant, found {word or 'the end'}")
        return re.sub(r"\\(.)", r"\1", word[1:-1])
