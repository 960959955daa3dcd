"""Quick answers to the invariants on check digits (GB 11643, GB 32100).

They only ever say that a resource keeps the rule; whatever they doubt, the invariant's own
FHIRPath decides.
"""

from collections.abc import Callable
from typing import Any

from gateway.fhir.systems import CREDIT_CODE, ID_CARD, ROOT
from gateway.records import Resource

_CARD_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CARD_DIGITS = "10X98765432"
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_VALUES = {letter: number for number, letter in enumerate(_CREDIT_ALPHABET)}
_CREDIT_WEIGHTS = tuple(pow(3, n, 31) for n in range(17))


def is_card(number: str) -> bool:
    """Say whether a resident's ID number has 18 places and the right check digit."""
    first = number[:17]
    if len(number) != 18 or not first.isascii() or not first.isdigit() or first[0] == "0":
        return False
    total = sum(int(digit) * weight for digit, weight in zip(first, _CARD_WEIGHTS, strict=True))
    return _CARD_DIGITS[total % 11] == number[17]


def is_credit_code(code: str) -> bool:
    """Say whether a unified social credit code has 18 places and the right check character."""
    if len(code) != 18 or not _CREDIT_VALUES.keys() >= set(code):
        return False
    total = sum(
        _CREDIT_VALUES[letter] * weight
        for letter, weight in zip(code[:17], _CREDIT_WEIGHTS, strict=True)
    )
    return (total + _CREDIT_VALUES[code[17]]) % 31 == 0


def _of(system: str, test: Callable[[str], bool]) -> Callable[[Any], bool | None]:
    def keeps(value: Any) -> bool | None:
        if type(value) is not dict:
            return None
        identifiers = value.get("identifier")
        for one in identifiers if type(identifiers) is list else ():
            if type(one) is not dict:
                return None
            number = one.get("value")
            if one.get("system") == system and not (type(number) is str and test(number)):
                return None
        return True

    return keeps


_SOURCE = f"{ROOT}/StructureDefinition/"
_QUICK = {
    "cn-pat-1": _of(ID_CARD, is_card),
    "cn-prac-1": _of(ID_CARD, is_card),
    "cn-org-2": _of(CREDIT_CODE, is_credit_code),
}


def quick(constraint: Resource) -> Callable[[Any], bool | None] | None:
    """Give the quick answer to one of the gateway's own constraints; None for any other."""
    if not str(constraint.get("source", "")).startswith(_SOURCE):
        return None
    return _QUICK.get(str(constraint.get("key")))
