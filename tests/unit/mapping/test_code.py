"""The Python that a mapping becomes."""

from pathlib import Path

from gateway.mapping.code import Code
from tests.unit.mapping.tryout import compiled, mapped, patient_map

LEVELS = 12


def _nested(depth: int) -> str:
    """Write identifiers that assign each other, each with an anchor of its own."""
    inner = "{value: {from: NO}}"
    for _ in range(depth):
        inner = f"{{assigner: {{from: ., set: {{identifier: {{from: ., set: {inner}}}}}}}}}"
    return f"identifier: {{set: {inner}}}"


def test_rules_nested_deeper_than_pythons_own_limit_are_mapped(tmp_path: Path) -> None:
    program = compiled(tmp_path, patient_map(_nested(LEVELS)))

    made = mapped(program, "NO\n7\n")

    value = made.contributions[0].resource["identifier"][0]
    for _ in range(LEVELS):
        value = value["assigner"]["identifier"]
    assert value == {"value": "7"}
    pointer = "/entry/0/resource/identifier/0" + "/assigner/identifier" * LEVELS + "/value"
    assert [str(row.sources[0]) for row in made.lineage if row.pointer == pointer] == [
        "NO (line 2)"
    ]


def test_the_same_mapping_always_gives_the_same_text(tmp_path: Path) -> None:
    rules = "gender: {from: S, codes: {1: male}}\nname: {each: N, set: {text: .}}"
    texts = []
    for folder in ("first", "second"):
        program = compiled(tmp_path / folder, patient_map(rules))
        code = Code()
        for recipe in program.recipes:
            recipe.written(code)
        texts.append(code.text)

    assert texts[0] == texts[1]


def test_a_constant_that_looks_like_code_stays_a_text(tmp_path: Path) -> None:
    text = "'); raise SystemExit('{1}\\\\"
    program = compiled(tmp_path, patient_map(f'name: {{set: {{text: "{text}"}}}}'))

    made = mapped(program, "NO\n7\n")

    assert made.contributions[0].resource["name"] == [{"text": text.replace("\\\\", "\\")}]
