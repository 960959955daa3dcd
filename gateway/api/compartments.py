"""The ways into a compartment, as the CompartmentDefinitions name them.

https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from gateway.fhir.definitions import Definitions
from gateway.fhir.search_model import AnyOf, Criterion, ReferenceValue

SERVED = ("Patient", "Encounter", "Practitioner", "RelatedPerson", "Device")


def ways(definitions: Definitions, compartment: str) -> dict[str, tuple[str, ...]]:
    """Give the reference parameters of each type that can lie in the compartment."""
    found = {}
    for one in definitions.compartment(compartment)["resource"]:
        known = definitions.search_parameters.get(one["code"], {})
        codes = tuple(code for code in one.get("param", ()) if code in known)
        if codes:
            found[one["code"]] = codes
    return found


def within(by_type: dict[str, tuple[str, ...]], compartment: str, id_: str | None) -> AnyOf:
    """Say that a resource lies in the compartment of ``compartment/id_``; None: of any of its type.

    The one is left out of its own, all of a type are not.
    """
    by_code: dict[str, list[str]] = {}
    for type_, codes in by_type.items():
        for code in codes:
            by_code.setdefault(code, []).append(type_)
    value = ReferenceValue(compartment, id_)
    ways_in = [
        Criterion(tuple(types), code, "reference", (value,)) for code, types in by_code.items()
    ]
    if id_ is None and compartment in by_type:
        ways_in.append(Criterion((compartment,), "_type", "token", ()))
    return AnyOf(compartment, tuple(ways_in))
