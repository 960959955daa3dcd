"""The mapping language's JSON Schema, applied after the words were checked by hand.

The schema is compiled to closures that say whether a file fits; only for one that does not is
jsonschema loaded, to say where and why.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from gateway.mapping.fitting import Fits, compile_schema
from gateway.mapping.nodes import Table, locate, plain
from gateway.mapping.problems import Problems

PATH = Path(__file__).parent / "mapping.schema.json"


@cache
def _schema() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return made


@cache
def fits() -> Fits:
    """Give the compiled schema: whether a plain value fits it."""
    return compile_schema(_schema())


def check(tree: Table, problems: Problems) -> None:
    """Note what does not fit the schema at its line; of alternatives the deepest finding."""
    content = plain(tree)
    if fits()(content):
        return
    from jsonschema import Draft202012Validator

    for found in Draft202012Validator(_schema()).iter_errors(content):
        deepest = found
        while deepest.context:
            deepest = max(deepest.context, key=lambda inner: len(inner.absolute_path))
        mark = locate(tree, list(deepest.absolute_path))
        problems.add(mark, "GW-3014", reason=_reason(deepest))


def _reason(found: Any) -> str:
    wanted = found.validator_value
    if found.validator == "type":
        return "expected " + (wanted if isinstance(wanted, str) else " or ".join(wanted))
    if found.validator in ("enum", "const"):
        return "expected " + (", ".join(wanted) if isinstance(wanted, list) else str(wanted))
    if found.validator == "pattern":
        return f"expected a text like {wanted}"
    if found.validator in ("required", "additionalProperties"):
        return str(found.message)[:160]
    return f"{found.validator} is not met"
