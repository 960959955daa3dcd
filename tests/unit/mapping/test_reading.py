"""Reading a mapping file: the quick ways give what the slow and thorough ways give."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway.mapping import schema
from gateway.mapping.fitting import compile_schema
from gateway.mapping.nodes import _quickly, _slowly, parse, plain
from gateway.mapping.problems import Problems
from tests.unit.mapping.tryout import compiled, mapped, patient_map

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "mappings").rglob("*.yaml")) + sorted((ROOT / "gateway").rglob("*.yaml"))
ODD = [
    "a: &x [1, {b: 'é'}]\nb: *x\n",
    "a: |\n  two\n  lines\nb: >-\n  folded\n",
    "中: !!str 1 # a comment\nb: ~\nc:\n",
    "--- \na: 1\n...\n",
]
MISTAKEN = [
    "a: 1\na: 2\n",
    "a: *nowhere\n",
    "a: &x 1\nb: &x 2\n",
    "a: [1, 2\n",
    "? [a]\n: 1\n",
    "a: 1\n---\nb: 2\n",
    "- a\n",
    "",
    "a: \t- b\n\t c",
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_packaged_file_reads_quickly_as_it_reads_slowly(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    quick = _quickly(text, path.name)

    assert quick is not None
    assert quick == _slowly(text, path.name, Problems())


@pytest.mark.parametrize("text", ODD)
def test_aliases_and_styles_read_quickly_as_they_read_slowly(text: str) -> None:
    assert _quickly(text, "x") == _slowly(text, "x", Problems())


@pytest.mark.parametrize("text", MISTAKEN)
def test_a_mistaken_file_is_left_to_the_reading_that_has_words_for_it(text: str) -> None:
    slow, found = Problems(), Problems()
    tree = _slowly(text, "x", slow)

    assert parse(text, "x", found) == tree
    assert found.sorted() == slow.sorted()
    assert len(slow) > 0


@pytest.mark.parametrize("depth", [61, 1_000, 200_000])
def test_a_file_nested_without_end_is_refused_and_ends_no_process(depth: int) -> None:
    problems = Problems()

    parse("a: " + "[" * depth + "]" * depth, "x", problems)

    assert [problem.number for problem in problems.sorted()] == ["GW-3010"]


@cache
def _oracle() -> Any:
    return Draft202012Validator(json.loads(schema.PATH.read_text(encoding="utf-8")))


@cache
def _contents() -> list[Any]:
    trees = [parse(p.read_text(encoding="utf-8"), "x", Problems()) for p in FILES]
    return [plain(tree) for tree in trees if tree is not None and "mapping" in tree]


def _spots(value: Any) -> list[tuple[Any, Any]]:
    """Give every container of a value with each of its keys or indexes."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    inner = [spot for _, one in pairs if isinstance(one, dict | list) for spot in _spots(one)]
    return [(value, key) for key, _ in pairs] + inner


ANY = st.sampled_from([None, True, 1, 0, "", "PID-3", [], {}, ["a"], {"from": "a"}, {"x": [1]}])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_compiled_schema_says_of_any_changed_mapping_what_jsonschema_says(
    data: st.DataObject,
) -> None:
    content = copy.deepcopy(data.draw(st.sampled_from(_contents())))
    container, key = data.draw(st.sampled_from(_spots(content)))
    if data.draw(st.booleans()):
        container[key] = data.draw(ANY)
    else:
        del container[key]

    assert schema.fits()(content) == _oracle().is_valid(content)


def test_a_word_that_the_schema_compiler_does_not_know_is_never_passed_over() -> None:
    with pytest.raises(ValueError, match="uniqueItems"):
        compile_schema({"uniqueItems": True})


def test_a_day_as_event_time_starts_in_the_zone_of_the_mapping(tmp_path: Path) -> None:
    head = "source: {format: rows, zone: Asia/Shanghai, time: DAY}"
    text = patient_map("active: true").replace("source: {format: rows}", head)
    made = mapped(compiled(tmp_path, text), "NO,DAY\n1,20261102\n")

    assert made.event_time == "2026-11-02T00:00:00+08:00"
