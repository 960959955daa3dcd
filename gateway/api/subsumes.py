"""$subsumes: how two codes of one system stand to each other.

https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from gateway.access import demand
from gateway.api.codings import Asked, of_coding
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import Inputs, inputs
from gateway.api.terminology import code_system, conformance_of, terminology_of
from gateway.errors import GatewayError
from gateway.fhir.terminology import code_list, relation

_KNOWN = frozenset({"codeA", "codeB", "system", "version", "codingA", "codingB"})


def subsumes(exchange: Exchange, id_: str | None = None) -> Answer:
    """Answer equivalent, subsumes, subsumed-by or not-subsumed, A seen from B.

    Raises GW-7201 for a code system that is not loaded, GW-7205 for a code that it does not have,
    GW-7208 for codes of two systems.
    """
    demand(exchange.principal, "CodeSystem", "read")
    given = inputs(exchange, _KNOWN)
    first, second = _asked(given, "A"), _asked(given, "B")
    system = first.system or second.system
    if first.system and second.system and first.system != second.system:
        raise GatewayError("GW-7208")
    if id_ is not None:
        content = code_list(conformance_of(exchange, "CodeSystem", id_))
        if system is not None and content.definition.get("url") != system:
            raise GatewayError("GW-7208")
    elif system is None:
        raise GatewayError("GW-7207", names="system")
    else:
        content = code_system(terminology_of(exchange), system, first.version or second.version)
    codes = [content.written(one.code) for one in (first, second)]
    if codes[0] is None or codes[1] is None:
        raise GatewayError("GW-7205", system=str(content.definition.get("url"))[:200])
    outcome = {"name": "outcome", "valueCode": relation(content, codes[0], codes[1])}
    return Answer(200, resource={"resourceType": "Parameters", "parameter": [outcome]})


def _asked(given: Inputs, which: str) -> Asked:
    coding = given.element(f"coding{which}")
    if coding is not None:
        return of_coding(coding)
    code = given.text(f"code{which}")
    if code is None:
        raise GatewayError("GW-7207", names=f"code{which} | coding{which}")
    return Asked(given.text("system"), code, given.text("version"))
