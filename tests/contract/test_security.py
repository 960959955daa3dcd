"""The threat model is true: each threat has a control and a test that exists."""

import ast
import re
from functools import lru_cache

import pytest

from tests.support.documents import ROOT, text_of

PAGE = ROOT / "docs" / "security.md"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[list[str]]:
    """Give the cells of the table of threats."""
    table = text_of(PAGE).split("## Threats, controls, tests")[1].split("\n\n")[1]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


@lru_cache
def names(path: str) -> frozenset[str]:
    """Give the tests of a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("row", rows()[2:], ids=lambda row: row[0][:60])
def test_each_threat_has_a_control_and_a_test_that_exists(row: list[str]) -> None:
    assert len(row) == 3, row
    threat, control, tests = row
    assert threat
    assert control
    found = _TEST.findall(tests)
    assert found, threat
    for path, name in found:
        assert name in names(path), f"{path}::{name}"


def test_every_package_is_locked_with_its_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    hashes = r"((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)"
    packages = re.findall(rf"^([\w.-]+)==[^\n]*\\\n{hashes}", lock, re.M)
    assert len(packages) == len(re.findall(r"^[\w.-]+==", lock, re.M)) > 50
