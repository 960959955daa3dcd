"""What a refusal must be: numbered, bilingual, and the client's fault."""

import re
from typing import Any

import requests

from gateway.errors import CATALOGUE

_NUMBER = re.compile(r"GW-\d{4}")


def is_bilingual(zh: str, en: str) -> bool:
    return bool(re.search("[一-鿿]", zh)) and not re.search("[一-鿿]", en) and len(en) > 10


def told_wrong(answer: requests.Response) -> str | None:
    """Say what is wrong with a refusal: nothing when it is numbered, bilingual and 4xx."""
    if answer.status_code == 200 and "records" in (told := answer.json()):
        return _parked_wrong(told)
    if not 400 <= answer.status_code < 500:
        return f"HTTP {answer.status_code}: {answer.text[:200]}"
    outcome = answer.json()
    if outcome["resourceType"] != "OperationOutcome":
        return answer.text[:200]
    for issue in outcome["issue"]:
        numbers = {coding["code"] for coding in issue["details"]["coding"]}
        zh, _, en = issue["details"]["text"].partition(" / ")
        if not numbers & set(CATALOGUE) or not is_bilingual(zh, en):
            return answer.text[:400]
    return None


def _parked_wrong(told: dict[str, Any]) -> str | None:
    if told["status"] != "parked":
        return f"status {told['status']}"
    errors = [one["error"] for one in told["records"] if one["status"] == "parked"]
    for error in errors:
        if error["number"] not in CATALOGUE or error["number"] == "GW-1900":
            return str(error["number"])
        if not is_bilingual(error["zh"], error["en"]):
            return str(error)
    return None
