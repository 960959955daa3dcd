"""Regular expressions that end: which may be run, on how long a text.

Profiles that members store bring expressions, and Python's engine backtracks: ``(a+)+$`` on forty
letters holds the whole process for hours. What may take such a time is refused, not begun.
"""

import re
from functools import lru_cache

from gateway.fhir.fhirpath.errors import EvaluationError

STEPS = 20_000_000
"""How many steps a search may take at most, by the bound of ``demand_short``."""

_ATOM = re.compile(
    r"(?P<escape>\\.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<open>\((?:\?[^:=!<)]*[:=!<]?[=!]?)?)"
    r"|(?P<close>\))|(?P<repeat>[*+]|\?|\{\d*,?\d*\})[?+]?|(?P<either>\|)|.",
    re.DOTALL,
)
# Two of FHIR's own (eld-19, eld-20): every round begins with a point that nothing else takes.
_RELEASE = frozenset(
    {
        r"[A-Za-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*(\[x])?)*",
        r"[^\s\.,:;\'"
        r'"\/|?!@#$%&*()\[\]{}]{1,64}(\.[^\s\.,:;\'"\/|?!@#$%&*()\[\]{}]{1,64}(\[x\])?(\:[^\s\.]+)?)*',
    }
)


@lru_cache(maxsize=1024)
def choices(expression: str) -> tuple[int, ...]:
    """Give how many ways each varying part offers, 0 for a repetition without an end.

    Raises EvaluationError for what multiplies beyond that: a repeated group that holds a varying
    repetition or alternatives, and a back reference.
    """
    if expression in _RELEASE:
        return ()
    groups: list[bool] = [False]
    found: list[int] = []
    varies = False
    for atom in _ATOM.finditer(expression):
        repeat = atom["repeat"]
        ways = _ways(repeat) if repeat else 2 if atom["either"] else 1
        is_refused = (varies and repeat and repeat != "?") or _is_back(atom["escape"])
        if is_refused:
            raise EvaluationError("the regular expression may take too long")
        if ways != 1:
            found.append(ways)
            groups[-1] = True
        if atom["open"]:
            groups.append(False)
        varies = bool(atom["close"]) and len(groups) > 1 and groups.pop()
        groups[-1] |= varies
    return tuple(found)


def demand_short(expression: str, text: str) -> None:
    """Raise EvaluationError when a search in this text could take more than ``STEPS`` steps."""
    steps = 1 if expression.startswith("^") and "|" not in expression else len(text) + 1
    for ways in choices(expression):
        steps *= min(ways or len(text) + 1, len(text) + 1)
        if steps > STEPS:
            raise EvaluationError("the text is too long for the regular expression")


def _is_back(escape: str | None) -> bool:
    return escape is not None and escape[1].isdigit()


def _ways(repeat: str) -> int:
    """Say how many numbers of rounds a repetition allows, 0 for no end, 1 for a fixed one."""
    if repeat in {"*", "+"}:
        return 0
    if repeat == "?":
        return 2
    low, comma, high = repeat[1:-1].partition(",")
    if not comma:
        return 1
    return int(high) - int(low or 0) + 1 if high else 0
