"""The period of care that $everything may be narrowed to, by what each type is dated by.

A resource without such a date stays in: it belongs to the patient at all times.
https://hl7.org/fhir/R4/operation-patient-everything.html
"""

from collections.abc import Iterable

from gateway.fhir.definitions import Definitions
from gateway.fhir.search_model import AnyOf, Criterion
from gateway.fhir.search_parameters import parse_values

_DATED_BY = (
    "date",
    "onset-date",
    "occurrence",
    "authored",
    "authoredon",
    "authored-on",
    "effective-time",
    "whenhandedover",
    "period",
    "started",
    "sent",
    "created",
    "collected",
)
_PREFIXES = {"start": "ge", "end": "le"}


def cared_for(
    definitions: Definitions, types: Iterable[str], name: str, value: str
) -> tuple[AnyOf, ...]:
    """Give the conditions of ``start`` or ``end``; raise GW-7102 for what is no date."""
    by_code: dict[str, list[str]] = {}
    for type_ in types:
        known = definitions.search_parameters[type_]
        code = next((c for c in _DATED_BY if c in known and known[c].kind == "date"), None)
        if code is not None:
            by_code.setdefault(code, []).append(type_)
    values = parse_values(name, "date", f"{_PREFIXES[name]}{value}")
    return tuple(
        AnyOf(
            code,
            (
                Criterion(tuple(of), code, "date", values),
                Criterion(tuple(of), code, "date", (), is_missing=True),
            ),
        )
        for code, of in by_code.items()
    )
