"""The validator answers whatever it is given: mutants of mutants, random JSON, wild profiles.

``FUZZ_SECONDS`` is the time for each test (60 unless told).
"""

import copy
import os
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from gateway.fhir import codec, definitions
from gateway.records import Issue, Resource
from gateway.validation import Validator
from tests.unit.mappings.packs import ROOT

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
SEED = int(os.environ.get("FUZZ_SEED", "20261122"))
PROFILES = ROOT / "profiles"
_ODD: list[Any] = [
    None, True, False, 0, -1, 2**70, Decimal("1E+300"), Decimal("-0.0"), "", " ", "\x00", "#", "#x",
    "Patient/1", "urn:uuid:x", "http://a b", "\ud83d", "x" * 70_000, "<div", "2026-02-30", [], {},
    [[]], [None], {"": ""}, {"extension": {}}, {"resourceType": "Patient"}, {"resourceType": 1},
    "<div xmlns='http://www.w3.org/1999/xhtml'>&nbsp;<script/></div>", ["a", {}], {"url": ["x"]},
    {"reference": "#"}, {"coding": [{"system": "http://unitsofmeasure.org", "code": "[[["}]},
    "iif($this, %x, @T99", "(" * 500, {"code": {"coding": "x"}}, "a|b|c", "\u202e",
]  # fmt: skip


def _artefacts() -> list[Resource]:
    return [codec.decode(path.read_bytes()) for path in sorted(PROFILES.glob("*.json"))]


def _spots(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    members = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value))
        if isinstance(value, list)
        else []
    )
    for key, inner in members:
        found.append((value, key))
        _spots(inner, found)
    return found


def _mutate(chance: random.Random, resource: Resource) -> Resource:
    """Change one to four places: odd values, swaps, deletions, doublings, odd members."""
    made = copy.deepcopy(resource)
    for _ in range(chance.randint(1, 4)):
        spots = _spots(made, [])
        if not spots:
            break
        owner, key = chance.choice(spots)
        other_owner, other_key = chance.choice(spots)
        match chance.randint(0, 4):
            case 0:
                owner[key] = copy.deepcopy(chance.choice(_ODD))
            case 1:
                owner[key] = copy.deepcopy(other_owner[other_key])
            case 2:
                del owner[key]
            case 3:
                owner[key] = [copy.deepcopy(owner[key])] * chance.randint(1, 3)
            case _ if isinstance(owner, dict):
                owner[chance.choice(["_" + str(key), "extension", "contained", "id"])] = (
                    copy.deepcopy(chance.choice(_ODD))
                )
    return made


def _until_time_is_up(act: Callable[[random.Random], None]) -> int:
    chance, count, end = random.Random(SEED), 0, time.monotonic() + SECONDS
    while count < 50 or time.monotonic() < end:
        act(chance)
        count += 1
    return count


def test_mutants_of_valid_examples_never_make_it_raise() -> None:
    validator = Validator(definitions.load(), _artefacts())
    folders = (PROFILES / "examples" / "valid", PROFILES)
    seeds = [codec.decode(path.read_bytes()) for one in folders for path in one.glob("*.json")]

    def act(chance: random.Random) -> None:
        found = validator.check(_mutate(chance, chance.choice(seeds)))
        assert all(isinstance(one, Issue) for one in found)

    assert _until_time_is_up(act) >= 50


def test_bundles_of_mutants_never_make_it_raise() -> None:
    validator = Validator(definitions.load(), _artefacts())
    paths = (PROFILES / "examples" / "valid").glob("*.json")
    seeds = [codec.decode(path.read_bytes()) for path in paths]
    types = ["document", "transaction", "message", "history", "searchset", "collection", "batch"]

    def act(chance: random.Random) -> None:
        entries = [{"fullUrl": f"urn:uuid:{n}", "resource": chance.choice(seeds)} for n in range(4)]
        bundle = {"resourceType": "Bundle", "type": chance.choice(types), "entry": entries}
        assert all(isinstance(one, Issue) for one in validator.check(_mutate(chance, bundle)))

    assert _until_time_is_up(act) >= 50


def test_wild_definitions_never_make_it_raise() -> None:
    """What clients store as profiles and value sets is hostile too."""
    validator = Validator(definitions.load())
    artefacts = _artefacts()
    paths = (PROFILES / "examples" / "valid").glob("*.json")
    examples = [codec.decode(path.read_bytes()) for path in paths]

    def act(chance: random.Random) -> None:
        wild = [_mutate(chance, one) for one in chance.sample(artefacts, 6)]
        wider = validator.with_definitions(
            [one for one in artefacts if chance.random() < 0.3] + wild
        )
        example = chance.choice(examples)
        urls = [one["url"] for one in wild if isinstance(one.get("url"), str)]
        assert all(isinstance(one, Issue) for one in wider.check(example, urls))

    assert _until_time_is_up(act) >= 50


_QUESTIONNAIRE = {
    "resourceType": "Questionnaire", "id": "q", "url": "http://q.test/q", "status": "active",
    "item": [
        {"linkId": "1", "type": "boolean", "required": True},
        {
            "linkId": "2", "type": "group", "repeats": True, "enableBehavior": "any",
            "enableWhen": [
                {"question": "1", "operator": "=", "answerBoolean": True},
                {"question": "3", "operator": ">", "answerQuantity": {"value": 1, "unit": "g"}},
            ],
            "item": [{"linkId": "3", "type": "quantity"}, {"linkId": "4", "type": "text"}],
        },
    ],
}  # fmt: skip
_RESPONSE = {
    "resourceType": "QuestionnaireResponse", "status": "completed", "contained": [_QUESTIONNAIRE],
    "questionnaire": "#q",
    "item": [
        {"linkId": "1", "answer": [{"valueBoolean": True}]},
        {
            "linkId": "2",
            "item": [
                {"linkId": "3", "answer": [{"valueQuantity": {"value": 2, "unit": "g"}}]},
                {"linkId": "4", "answer": [{"valueString": "abc"}]},
            ],
        },
    ],
}  # fmt: skip
_MEASURE = {
    "resourceType": "Measure", "url": "http://q.test/m", "status": "active", "id": "m",
    "group": [
        {
            "code": {"text": "a"},
            "population": [
                {
                    "code": {"text": "b"},
                    "criteria": {"language": "text/fhirpath", "expression": "a.b"},
                }
            ],
        },
        {"code": {"coding": [{"system": "http://a.test", "code": "c"}]}},
    ],
}  # fmt: skip
_REPORT = {
    "resourceType": "MeasureReport", "status": "complete", "type": "summary",
    "contained": [_MEASURE], "measure": "#m", "period": {"start": "2026"},
    "group": [
        {"code": {"text": "a"}, "population": [{"code": {"text": "b"}, "count": 1}]},
        {"code": {"coding": [{"system": "http://a.test", "code": "c"}]}},
    ],
}  # fmt: skip


def test_answers_and_reports_to_wild_questions_never_make_it_raise() -> None:
    validator = Validator(definitions.load())
    seeds: list[Resource] = [_RESPONSE, _REPORT, _MEASURE, _QUESTIONNAIRE]
    assert not [
        one for seed in seeds for one in validator.check(seed) if one.number.startswith("GW-44")
    ]

    def act(chance: random.Random) -> None:
        assert all(
            isinstance(one, Issue) for one in validator.check(_mutate(chance, chance.choice(seeds)))
        )

    assert _until_time_is_up(act) >= 50
