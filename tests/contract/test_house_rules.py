"""The rules of the house: sizes, names, documented settings and errors."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.errors import CATALOGUE
from gateway.settings import HELP, Settings

ROOT = Path(__file__).parents[2]
FOLDERS = ("gateway", "tests", "scripts", "benchmarks")
MIGRATIONS = ROOT / "gateway" / "store" / "migrations" / "versions"
MODULES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if not path.is_relative_to(MIGRATIONS)  # A migration is a list of statements, never edited.
)
BANNED = {"util", "utils", "helper", "helpers", "manager", "processor", "common", "misc", "base"}
BANNED |= {"handle"}
WORD = re.compile(r"[A-Z][A-Z0-9]*(?![a-z])|[A-Z]?[a-z0-9]+")


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


def _is_private(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and node.name.startswith("_")


def _own_length(function: ast.FunctionDef) -> int:
    """Lines of a function without those of functions nested in it."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    for node in ast.walk(function):
        if isinstance(node, ast.FunctionDef) and node is not function:
            lines -= (node.end_lineno or 0) - node.lineno + 1
    return lines


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_stays_small_and_speaks_the_words_of_the_standard(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, "a module has at most 400 lines"
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert _own_length(node) <= 40, f"{node.name} has more than 40 lines"
    for name in (*_names(tree), path.stem):
        words = {word.lower() for word in WORD.findall(name)}
        assert not words & BANNED, f"{name} holds a banned word"


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if path.is_relative_to(ROOT / "gateway")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_public_things_have_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path.name != "__init__.py" or path.stat().st_size:
        assert ast.get_docstring(tree), "the module says in one sentence what it holds"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            is_inside = any(
                (isinstance(parent, ast.FunctionDef) or _is_private(parent))
                and node in ast.walk(parent)
                for parent in ast.walk(tree)
                if parent is not node
            )
            assert is_inside or ast.get_docstring(node), f"{node.name} has no docstring"


def test_every_setting_is_explained() -> None:
    assert set(HELP) == {field.name for field in fields(Settings)}
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for name, text in HELP.items():
        assert f"`{name}`" in page
        assert text in page


def test_every_error_is_documented_in_both_languages() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    stages = "12345678"
    for number, entry in CATALOGUE.items():
        assert re.fullmatch(rf"GW-[{stages}]\d{{3}}", number)
        assert re.search("[\u4e00-\u9fff]", entry.zh), f"{number} has no Chinese text"
        assert entry.en
        assert entry.remedy_zh
        assert entry.remedy_en
        assert f"### {number}\n" in page, f"docs/errors.md lacks {number}; run make docs"
        assert entry.zh in page, f"docs/errors.md is out of date for {number}; run make docs"


def test_nothing_names_a_package_registry_or_the_workplace() -> None:
    hosts = re.compile("py" + r"pi\.org|registry\.np" + r"mjs|python" + r"hosted|/work" + "/shared")
    for path in ROOT.rglob("*"):
        is_ours = not any(
            part.startswith(".") or part in {"data", "node_modules", "test-data"}
            for part in path.relative_to(ROOT).parts
        )
        is_text = path.suffix in {".py", ".md", ".toml", ".lock", ".yaml", ".mjs"}
        if is_ours and path.is_file() and (is_text or path.name == "package-lock.json"):
            assert not hosts.search(path.read_text(encoding="utf-8")), path
