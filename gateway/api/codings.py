"""The code that a terminology operation is about, in each form the standard lets it be given.

https://hl7.org/fhir/R4/terminology-service.html
"""

from dataclasses import dataclass

from gateway.api.inputs import Inputs
from gateway.errors import GatewayError
from gateway.records import Resource


@dataclass(frozen=True, slots=True)
class Asked:
    """One code with what was said about it."""

    system: str | None
    code: str
    version: str | None = None
    display: str | None = None


def asked_codes(inputs: Inputs, system: str = "system", version: str = "version") -> list[Asked]:
    """Give the codes asked about; raise GW-7207 unless exactly one form was used.

    ``code`` with its system, ``coding``, or ``codeableConcept`` with any number of codings.
    """
    forms = [name for name in ("code", "coding", "codeableConcept") if inputs.value(name)]
    if len(forms) != 1:
        raise GatewayError("GW-7207", names="code + system | coding | codeableConcept")
    if forms == ["code"]:
        code = inputs.text("code") or ""
        return [Asked(inputs.text(system), code, inputs.text(version), inputs.text("display"))]
    element = inputs.element(forms[0]) or {}
    listed = [element] if forms == ["coding"] else element.get("coding", [])
    found = [of_coding(one) for one in listed if isinstance(one, dict) and one.get("code")]
    if not found:
        raise GatewayError("GW-7207", names=f"{forms[0]}.code")
    return found


def of_coding(coding: Resource) -> Asked:
    """Read a Coding; raise GW-7207 when it has no code."""
    for name in ("system", "code", "version", "display"):
        if not isinstance(coding.get(name), str | None):
            raise GatewayError("GW-7020", name=f"Coding.{name}", allowed="string")
    if not coding.get("code"):
        raise GatewayError("GW-7207", names="Coding.code")
    return Asked(coding.get("system"), coding["code"], coding.get("version"), coding.get("display"))
