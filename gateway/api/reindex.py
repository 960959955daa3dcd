"""$reindex: how far the index of a tenant's own search parameter is; by POST it is made anew.

Our own operation: https://consortium-fhir.cn/OperationDefinition/reindex. A search by a parameter
that is not whole is refused (GW-7110), so clients ask here when to come back.
"""

from gateway.access import demand, demand_change
from gateway.api.exchange import Answer, Exchange
from gateway.api.read import current
from gateway.fhir import codec
from gateway.records import Resource, Stored
from gateway.store.parameters import TYPE, Progress, is_in_force


def reindex_status(exchange: Exchange, id_: str) -> Answer:
    """Answer how far one SearchParameter is."""
    demand(exchange.principal, TYPE, "read")
    return _told(exchange, current(exchange, TYPE, id_))


def reindex(exchange: Exchange, id_: str) -> Answer:
    """Begin to index an active SearchParameter anew; what is at it already goes on."""
    demand(exchange.principal, TYPE, "update")
    stored = current(exchange, TYPE, id_)
    demand_change(exchange.principal, TYPE, stored.owner, ())
    shard = exchange.visibility.shard
    exchange.services.store.parameters.rebuild(shard, codec.decode_stored(stored.body)["url"])
    return _told(exchange, stored)


def reindex_all(exchange: Exchange) -> Answer:
    """Answer how far all of the tenant's SearchParameters are."""
    demand(exchange.principal, TYPE, "read")
    known = exchange.services.store.parameters.progress(exchange.visibility.shard)
    listed: list[Resource] = [
        {"name": "searchParameter", "part": _parts(one)} for one in known if one.state != "gone"
    ]
    body: Resource = {"resourceType": "Parameters"}
    return Answer(200, resource=body | ({"parameter": listed} if listed else {}))


def _told(exchange: Exchange, stored: Stored) -> Answer:
    definition = codec.decode_stored(stored.body)
    known = exchange.services.store.parameters.progress(exchange.visibility.shard)
    found = next((one for one in known if one.url == definition.get("url")), None)
    if found is None or found.state == "gone":
        # The worker takes it up within a second when its writer could not.
        state = "waiting" if is_in_force(definition) else "inactive"
        parts = [
            {"name": "url", "valueUri": definition["url"]},
            {"name": "code", "valueCode": definition["code"]},
            {"name": "status", "valueCode": state},
        ]
    else:
        parts = _parts(found)
    return Answer(200, resource={"resourceType": "Parameters", "parameter": parts})


def _parts(progress: Progress) -> list[Resource]:
    return [
        {"name": "url", "valueUri": progress.url},
        {"name": "code", "valueCode": progress.code},
        {"name": "status", "valueCode": progress.state},
        {"name": "done", "valueUnsignedInt": progress.done},
        {"name": "total", "valueUnsignedInt": progress.total},
    ]
