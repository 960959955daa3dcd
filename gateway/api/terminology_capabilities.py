"""What the terminology operations work on: ``/metadata?mode=terminology``.

https://hl7.org/fhir/R4/terminologycapabilities.html
"""

from gateway import __version__
from gateway.api.exchange import Answer, Exchange
from gateway.api.expand import ECHOED
from gateway.fhir.times import format_instant
from gateway.records import Resource

_LISTED = frozenset({"complete", "fragment", "example"})


def terminology_capabilities(exchange: Exchange) -> Answer:
    """Answer the code systems that come with the gateway; members' own are found by search."""
    systems = exchange.services.conformance.all("CodeSystem")
    statement: Resource = {
        "resourceType": "TerminologyCapabilities",
        "status": "active",
        "date": format_instant(exchange.services.clock()),
        "kind": "instance",
        "software": {"name": "consortium-fhir-gateway", "version": __version__},
        "implementation": {"description": "医联体 FHIR 网关", "url": exchange.address},
        "lockedDate": False,
        "codeSystem": [_system(one) for one in systems if one.get("content") in _LISTED],
        "expansion": {
            "hierarchical": False,
            "paging": True,
            "incomplete": True,
            "parameter": [{"name": name} for name, _ in ECHOED],
        },
        "codeSearch": "all",
        "validateCode": {"translations": True},
        "translation": {"needsMap": False},
        "closure": {"translation": False},
    }
    return Answer(200, resource=statement)


def _system(definition: Resource) -> Resource:
    told: Resource = {"uri": definition["url"]}
    if "version" in definition:
        told["version"] = [{"code": definition["version"], "isDefault": True}]
    return told | {"subsumption": definition.get("hierarchyMeaning") == "is-a"}
