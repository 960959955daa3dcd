"""What is wrong with a mapping file: all of it at once, each with its line and column."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.errors import CATALOGUE, GatewayError, issue
from gateway.records import Issue, Place


@dataclass(frozen=True, slots=True)
class Mark:
    """A spot in a mapping file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Read as compilers say it: ``map.yaml:12:5``."""
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def rule(self) -> str:
        """Name the rule alike on any machine: ``county/adt/map.yaml:12``."""
        _, found, below = self.file.rpartition("mappings/")
        return f"{below if found else self.file.rpartition('/')[2]}:{self.line}"

    def moved(self, columns: int) -> "Mark":
        """Give the spot some columns to the right."""
        return Mark(self.file, self.line, self.column + columns)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of a mapping file."""

    mark: Mark
    number: str
    text_zh: str
    text_en: str
    hint: str | None = None

    def __str__(self) -> str:
        """Read as ``file:line:col: code: message (did you mean …)``."""
        return self.text()

    def text(self, language: str = "en") -> str:
        """Give the line in Chinese (``zh``) or English."""
        if language == "zh":
            end = f"（是否想写 {self.hint}？）" if self.hint else ""
            return f"{self.mark}: {self.number}: {self.text_zh}{end}"
        end = f" (did you mean {self.hint}?)" if self.hint else ""
        return f"{self.mark}: {self.number}: {self.text_en}{end}"


class Problems:
    """Collects mistakes so that the author sees all of them in one run."""

    def __init__(self) -> None:
        self._found: dict[tuple[Mark, str, str], Problem] = {}

    def add(
        self,
        mark: Mark,
        number: str,
        *,
        near: tuple[str, Iterable[str]] | None = None,
        **details: object,
    ) -> None:
        """Note one mistake; ``near`` is (the written word, the known words) for the hint."""
        entry = CATALOGUE[number]
        hint = closest(*near) if near else None
        english = entry.en.format(**details)
        problem = Problem(mark, number, entry.zh.format(**details), english, hint)
        self._found.setdefault((mark, number, english), problem)

    def __len__(self) -> int:
        """Count the mistakes."""
        return len(self._found)

    def sorted(self) -> tuple[Problem, ...]:
        """Give the mistakes in the order of the file."""
        return tuple(
            sorted(self._found.values(), key=lambda p: (p.mark.file, p.mark.line, p.mark.column))
        )

    def demand_none(self, mapping: str) -> None:
        """Raise MappingErrors when anything was found."""
        if self._found:
            raise MappingErrors(mapping, self.sorted())


class MappingErrors(GatewayError):  # noqa: N818 - it holds several
    """A mapping that does not compile (GW-3001); ``problems`` holds every mistake."""

    def __init__(self, mapping: str, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        first = problems[0].mark
        super().__init__(
            "GW-3001",
            where=Place(first.file, first.line, first.column),
            issues=tuple(_as_issue(problem) for problem in problems),
            mapping=mapping,
            count=len(problems),
            list="\n" + "\n".join(str(problem) for problem in problems),
        )


def _as_issue(problem: Problem) -> Issue:
    mark = problem.mark
    made = issue("GW-3001", mapping=mark.file, count=1, list="")
    return Issue(
        severity="error",
        code=made.code,
        number=problem.number,
        text_zh=problem.text("zh"),
        text_en=problem.text(),
        place=Place(mark.file, mark.line, mark.column),
    )


def closest(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that the author most likely meant, or None."""
    folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[found[0]] if found else None
