"""A report of findings as one web page that needs nothing from anywhere."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from gateway.records import Issue

_BAD = frozenset({"error", "fatal"})
_STYLE = """
:root{color-scheme:light dark;--line:#8884;--bad:#b3261e;--warn:#9a6700;--ok:#1a7f37}
body{font:15px/1.6 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;max-width:70rem;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid var(--line);padding:.35rem .6rem;text-align:left;vertical-align:top}
code{font-size:.9em;overflow-wrap:anywhere}td:nth-child(2){white-space:nowrap}
td code{display:inline-block;min-width:9rem}
details{border:1px solid var(--line);border-radius:.4rem;
margin:.6rem 0;padding:.4rem .8rem}summary{cursor:pointer;overflow-wrap:anywhere}
.error,.fatal,.bad{color:var(--bad);font-weight:600}.warning{color:var(--warn)}.ok{color:var(--ok)}
small{opacity:.75;display:block}
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """One file and what was found in it."""

    path: Path
    issues: tuple[Issue, ...]

    @property
    def is_bad(self) -> bool:
        """Whether there are errors."""
        return any(found.severity in _BAD for found in self.issues)


def write_report(checked: Sequence[Checked], now: datetime, language: str = "zh") -> str:
    """Write the page; files with errors come first and stand open. Every text is escaped."""
    severities = Counter(found.severity for one in checked for found in one.issues)
    bad = sum(one.is_bad for one in checked)
    files = sorted(checked, key=lambda one: (not one.is_bad, not one.issues, str(one.path)))
    numbers = Counter(found.number for one in checked for found in one.issues)
    return "".join(
        (
            f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head>',
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f"<title>校验报告 · validation report</title><style>{_STYLE}</style></head><body>",
            "<h1>FHIR R4 校验报告 · validation report</h1>",
            f"<p>{now:%Y-%m-%d %H:%M} UTC · {len(checked)} 个文件 files · ",
            f'<span class="{"bad" if bad else "ok"}">{bad} 个有错误 with errors</span> · ',
            ", ".join(f"{count} {escape(name)}" for name, count in sorted(severities.items())),
            "</p>",
            _frequent(numbers),
            *(_file(one, language) for one in files),
            "</body></html>\n",
        )
    )


def _frequent(numbers: Counter[str]) -> str:
    if not numbers:
        return ""
    rows = "".join(f"<tr><td>{n}</td><td>{count}</td></tr>" for n, count in numbers.most_common(10))
    return f"<table><tr><th>编号 · number</th><th>次数 · times</th></tr>{rows}</table>"


def _file(one: Checked, language: str) -> str:
    mark, style = ("✗", "bad") if one.is_bad else ("✓", "ok")
    head = f'<span class="{style}">{mark}</span> {escape(str(one.path))} ({len(one.issues)})'
    if not one.issues:
        return f"<details><summary>{head}</summary></details>"
    rows = "".join(_row(found, language) for found in one.issues)
    is_open = " open" if one.is_bad else ""
    return f"<details{is_open}><summary>{head}</summary><table>{rows}</table></details>"


def _row(found: Issue, language: str) -> str:
    first, second = found.text_zh, found.text_en
    if language != "zh":
        first, second = second, first
    line = "" if found.place is None or found.place.line is None else f"{found.place.line}"
    if line and found.place is not None and found.place.column:
        line += f":{found.place.column}"
    return (
        f'<tr><td class="{escape(found.severity)}">{escape(found.severity)}</td>'
        f"<td>{escape(found.number)}</td><td>{line}</td>"
        f"<td><code>{escape(found.expression or '')}</code></td>"
        f"<td>{escape(first)}<small>{escape(second)}</small></td></tr>"
    )
