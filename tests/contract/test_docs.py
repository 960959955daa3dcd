"""The documents are true: what they name exists, and what exists for users is named."""

import ast
import re
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.cli import COMMANDS, gateway
from gateway.errors import CATALOGUE
from tests.support.documents import PAGES, ROOT, commands, links, paths, text_of

IDS = [str(page.relative_to(ROOT)) for page in PAGES]
# What a reader makes while following a recipe.
MADE = ("mappings/baiyun",)


def chosen(words: list[str]) -> tuple[click.Command, list[str]]:
    """Follow the words to the command that they name; give it and the words behind it."""
    context = click.Context(gateway, info_name="gateway")
    command: click.Command = gateway
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, words
        context = click.Context(found, info_name=name, parent=context)
        command = found
    return command, rest


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    for words in commands(page):
        if words[0].startswith("-"):
            continue
        assert words[0] in COMMANDS, f"gateway {' '.join(words)}"
        command, rest = chosen(words)
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        named = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert named <= known | {"--help"}, f"gateway {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_and_path_that_a_page_names_exists(page: Path) -> None:
    broken = [target for target in links(page) if not (page.parent / target).exists()]
    assert broken == []
    missing = [
        path for path in paths(page) if not (ROOT / path).exists() and not path.startswith(MADE)
    ]
    assert missing == []


def test_every_page_can_be_found_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        waiting += [page.parent / target for target in links(page)]
    assert set(PAGES) <= seen


def test_every_promise_names_a_test_that_exists() -> None:
    page = text_of(ROOT / "docs" / "guarantees.md")
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", page)
    promises = [line for line in page.splitlines() if line.startswith("| ") and "`" in line]
    assert len(named) == len(promises) > 20
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in defined, f"{path}::{name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_its_use(name: str) -> None:
    shown = CliRunner().invoke(gateway, [name, "--help"])
    assert shown.exit_code == 0, shown.output
    command, _ = chosen([name])
    texts = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
    assert [one.name for one in texts if not one.help] == []


def test_a_command_that_an_error_names_as_remedy_exists() -> None:
    for entry in CATALOGUE.values():
        for text in (entry.remedy_zh, entry.remedy_en):
            for first, second in re.findall(r"gateway ([a-z]+) ([a-z]+)", text):
                if first not in COMMANDS:
                    continue
                command, _ = chosen([first])
                known = command.commands if isinstance(command, click.Group) else {second: None}
                assert second in known, f"{entry.number}: gateway {first} {second}"


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    done = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.strip()}
    assert listed == set(phony.split())
