"""POST [base]: a batch or a transaction, whichever the Bundle says it is."""

from gateway.api.batch import batch
from gateway.api.exchange import Answer, Exchange
from gateway.api.transaction import transaction
from gateway.errors import GatewayError


def bundle(exchange: Exchange) -> Answer:
    """Run the Bundle in the body; raise GW-7013, GW-7016."""
    resource = exchange.resource_of("Bundle")
    match resource.get("type"):
        case "transaction":
            return transaction(exchange, resource)
        case "batch":
            return batch(exchange, resource)
        case other:
            raise GatewayError("GW-7016", type=str(other)[:40], expression="Bundle.type")
