"""Code systems that are a grammar or a closed list and not a CodeSystem resource."""

import re
from collections.abc import Callable
from functools import partial

from gateway.fhir.fhirpath.ucum import is_valid as is_ucum
from gateway.fhir.terminology.countries import COUNTRY_CODES, CURRENCY_CODES

LANGUAGE = re.compile(
    r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|\d[A-Za-z0-9]{3}))*(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*"
    r"(?:-x(?:-[A-Za-z0-9]{1,8})+)?|x(?:-[A-Za-z0-9]{1,8})+"
)
_MIME = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+*-]{1,127}(?:\s*;\s*[\w!#$&^.+-]+=(?:[^\s;\"]+|\"[^\"]*\"))*"
)


def _has_form(form: re.Pattern[str], code: str) -> bool | None:
    return form.fullmatch(code) is not None


Grammar = Callable[[str], bool | None]
GRAMMARS: dict[str, Grammar] = {
    "http://unitsofmeasure.org": is_ucum,
    "urn:ietf:bcp:47": partial(_has_form, LANGUAGE),
    "urn:ietf:bcp:13": partial(_has_form, _MIME),
    "urn:iso:std:iso:3166": COUNTRY_CODES.__contains__,
    "urn:iso:std:iso:4217": CURRENCY_CODES.__contains__,
}
LISTED: dict[str, frozenset[str]] = {
    "urn:iso:std:iso:3166": COUNTRY_CODES,
    "urn:iso:std:iso:4217": CURRENCY_CODES,
}
"""Those of them whose codes can be written down."""
