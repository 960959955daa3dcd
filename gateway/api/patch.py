"""patch: a part of a resource is changed, by JSON Patch, JSON Merge Patch or FHIRPath
Patch; also conditionally.

https://hl7.org/fhir/R4/http.html#patch
"""

import base64
import binascii

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.negotiation import JSON_PATCH
from gateway.api.parameters import criteria
from gateway.api.read import current
from gateway.api.written import write_one
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.patch import Change, fhirpath_patch, json_patch, merge_patch
from gateway.interactions import Request
from gateway.records import Resource


def patch(exchange: Exchange, type_: str, id_: str) -> Answer:
    """Change the current version; raise GW-7002 or GW-7003 when there is none."""
    return write_one(exchange, alteration(exchange, type_, id_))


def conditional_patch(exchange: Exchange, type_: str) -> Answer:
    """Change the one resource that matches; raise GW-7048 for none, GW-7041 for several."""
    return write_one(exchange, conditional_alteration(exchange, type_))


def alteration(exchange: Exchange, type_: str, id_: str, full_url: str | None = None) -> Request:
    """Make the write request of a patch; raise GW-8003, GW-7002, GW-7003, GW-7060."""
    demand(exchange.principal, type_, "patch")
    current(exchange, type_, id_)
    return Request(
        "patch",
        type_,
        id=id_,
        change=_change(exchange),
        if_match=exchange.preconditions.if_match,
        if_none_match=exchange.preconditions.if_none_match,
        needs_match=exchange.services.settings.demand_if_match,
        full_url=full_url,
    )


def conditional_alteration(exchange: Exchange, type_: str, full_url: str | None = None) -> Request:
    """Make the write request of a conditional patch; raise GW-8003, GW-7060."""
    demand(exchange.principal, type_, "patch")
    return Request(
        "patch",
        type_,
        criteria=criteria(exchange.query),
        change=_change(exchange),
        if_match=exchange.preconditions.if_match,
        if_none_match=exchange.preconditions.if_none_match,
        needs_match=exchange.services.settings.demand_if_match,
        full_url=full_url,
    )


def _change(exchange: Exchange) -> Change:
    """Compile the patch that the body is.

    Clients that know no FHIR send plain JSON: a list is a JSON Patch, an object that is no
    resource a merge patch.
    """
    if isinstance(exchange.body, bytes) and exchange.content != "xml":
        if not exchange.body.strip():
            raise GatewayError("GW-7007")
        document = codec.decode(exchange.body)
        if exchange.content == "json-patch" or isinstance(document, list):
            return json_patch(document)
        if exchange.content == "merge-patch" or "resourceType" not in document:
            return merge_patch(document)
    if exchange.resource["resourceType"] == "Binary":
        return json_patch(codec.decode(_wrapped(exchange.resource)))
    if exchange.resource["resourceType"] != "Parameters":
        raise GatewayError("GW-7060", expression=exchange.resource["resourceType"][:64])
    return fhirpath_patch(exchange.resource)


def _wrapped(binary: Resource) -> bytes:
    """Give the JSON Patch within a Binary, as Bundles carry it."""
    data = binary.get("data")
    if binary.get("contentType") != JSON_PATCH or not isinstance(data, str):
        raise GatewayError("GW-7060", expression="Binary.contentType")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as err:
        raise GatewayError("GW-7060", expression="Binary.data") from err
