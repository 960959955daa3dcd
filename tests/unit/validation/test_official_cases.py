"""How often the official validator's verdict is ours, on its own cases (read, never copied)."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.validate_batch import answer
from gateway.fhir.definitions import load
from gateway.validation import Validator
from gateway.validation.packages import read_definitions

_LEAST = 0.95


def _requests(root: Path) -> list[tuple[dict[str, Any], bool]]:
    cases: list[tuple[dict[str, Any], bool]] = []
    for line in (root / "cases.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        definitions = [str(root / path) for path in case["profiles"]]
        profile = case["profile"]
        request = {"id": case["id"], "file": str(root / case["file"]), "definitions": definitions}
        if profile and "://" not in profile:
            definitions.append(str(root / profile))
            profile = read_definitions([root / profile])[0]["url"]
        request["profile"] = profile
        request["options"] = case.get("options", {})
        cases.append((request, case["expected_errors"] > 0))
    return cases


@pytest.mark.corpora
def test_the_verdict_is_that_of_the_official_validator_in_most_cases() -> None:
    """Each remaining difference has its reason; the figure must not fall."""
    folder = os.environ.get("CORPORA")
    if folder is None:
        pytest.skip("CORPORA is not set")
    validator = Validator(load())
    cases = _requests(Path(folder) / "validator")
    same = 0
    for request, is_bad in cases:
        issues = answer(request, validator)["outcome"]["issue"]
        same += any(one["severity"] in ("error", "fatal") for one in issues) is is_bad
    assert same / len(cases) >= _LEAST
