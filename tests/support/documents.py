"""What the documents say, taken apart for tests: commands, paths, links, tests."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TICKS = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_COMMAND = re.compile(r"(?:^|[\s(])(?:\.venv/bin/)?gateway (.+)")
_FOLDERS = ("docs/", "gateway/", "mappings/", "tests/", "scripts/", "profiles/", "benchmarks/")


def text_of(page: Path) -> str:
    """Read a page."""
    return page.read_text(encoding="utf-8")


def code_lines(page: Path) -> Iterator[str]:
    """Give the lines of code blocks (continued ones joined) and what stands in backticks."""
    text = text_of(page)
    for block in _FENCE.findall(text):
        yield from block.replace("\\\n", " ").splitlines()
    yield from _TICKS.findall(_FENCE.sub("", text))


def commands(page: Path) -> Iterator[list[str]]:
    """Give the words after ``gateway`` of every command that a page shows."""
    for line in code_lines(page):
        found = _COMMAND.search(re.split(r"\s#\s|\s#$|\$\(|\)|；", line.replace("$(", " "))[0])
        if found and found[1][0].isascii():
            yield shlex.split(found[1].replace("'", ""), comments=True)


def links(page: Path) -> set[str]:
    """Give the targets of links that stay within the project."""
    return {one for one in _LINK.findall(text_of(page)) if "://" not in one}


def paths(page: Path) -> set[str]:
    """Give the paths below the project's folders that a page names, without placeholders."""
    named = set()
    for line in code_lines(page):
        for word in re.split(r"[\s\"'=@,;()]+", line):
            path = word.partition("::")[0].rstrip(".:")
            if path.startswith(_FOLDERS) and not re.search(r"[<>*{}…消]", path):
                named.add(path)
    return named
