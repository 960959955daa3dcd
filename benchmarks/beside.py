"""Other validators, run in an environment of their own: what they accept and how fast they are.

    python benchmarks/beside.py WORK.json > RESULT.json

``benchmarks.validation`` makes the environment and calls this; nothing here
imports the gateway. ``WORK.json`` holds a valid ``bundle``, ``single`` resources to judge, JSON
``schema``s by type, the ``profiles`` folder and the ``seconds`` for each measurement. A validator
that is not installed is left out.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Verdict = Callable[[dict[str, Any]], bool]


def _fhirkit(_work: dict[str, Any]) -> Verdict:
    import fhirkit

    def check(value: dict[str, Any]) -> bool:
        try:
            return all(one.severity != "error" for one in fhirkit.validate(json.dumps(value)))
        except ValueError:
            return False

    return check


def _pyrofile(work: dict[str, Any]) -> Verdict:
    from pyrofile_validator import Validator
    from pyrofile_validator.config import ValidatorConfig

    config = ValidatorConfig(
        local_package_paths=[work["profiles"]],
        error_on_unknown_profile=False,
        allow_unknown_extensions=True,
    )
    validator = Validator(config)

    def check(value: dict[str, Any]) -> bool:
        try:
            return not validator.validate_resource(value).errors
        except Exception:  # noqa: BLE001 - whatever another validator raises counts as refused
            return False

    return check


def _schemas_in_rust(work: dict[str, Any]) -> Verdict:
    import jsonschema_rs

    made: dict[str, Any] = {}

    def check(value: dict[str, Any]) -> bool:
        named = str(value.get("resourceType"))
        schema = work["schemas"].get(named)
        if schema is None:
            return False
        if named not in made:
            made[named] = jsonschema_rs.validator_for(schema)
        return bool(made[named].is_valid(value))

    return check


MAKERS: dict[str, tuple[str, Callable[[dict[str, Any]], Verdict]]] = {
    "jsonschema-rs": ("jsonschema_rs", _schemas_in_rust),
    "fhirkit-rs": ("fhirkit", _fhirkit),
    "pyrofile-validator": ("pyrofile_validator", _pyrofile),
}


def speed(check: Verdict, bundle: dict[str, Any], seconds: float) -> float:
    """Give bundles a second of processor time: the best of three runs."""
    check(bundle)
    best = 0.0
    for _ in range(3):
        count, started = 0, time.process_time()
        while not count or time.process_time() - started < seconds / 3:
            check(bundle)
            count += 1
        best = max(best, count / (time.process_time() - started))
    return best


def main() -> int:
    """Judge and measure with each validator that is there."""
    with open(sys.argv[1], encoding="utf-8") as file:
        work = json.load(file)
    told: dict[str, Any] = {}
    for name, (_, make) in MAKERS.items():
        try:
            check = make(work)
        except ImportError as err:
            told[name] = {"problem": f"not installed: {err}"}
            continue
        told[name] = {
            "accepts": check(work["bundle"]),
            "verdicts": [check(one) for one in work["single"]],
            "bundles_s": speed(check, work["bundle"], work["seconds"]),
        }
    json.dump(told, sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
