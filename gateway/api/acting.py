"""What the referral operations share: the case that is meant, the reason given, one write.

An operation is a short way to a write that a PUT could make, too: it passes the same reaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import Inputs, inputs
from gateway.api.read import current
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.interactions import Request
from gateway.reactions import is_referral
from gateway.records import Json, Resource
from gateway.referral import own_tasks, tasks_of_kind
from gateway.referral.table import FULFIL
from gateway.referral.terms import REASON


@dataclass(frozen=True)
class Case:
    """One referral that the client sees, with its tasks and what was asked of it."""

    exchange: Exchange
    order: Resource
    tasks: tuple[Resource, ...]
    given: Inputs

    @property
    def name(self) -> str:
        """The order as a reference."""
        return f"ServiceRequest/{self.order['id']}"

    def task(self, kind: str = FULFIL) -> Resource:
        """Give the task that an act is about: the open one, else the last; raise GW-6207."""
        found = tasks_of_kind(self.tasks, kind)
        if not found:
            raise GatewayError("GW-6207", kind=kind, expression="ServiceRequest.status")
        return found[-1]

    def reason(self) -> Json:
        """Give the reason as a CodeableConcept: a code of ours, a Coding, a concept or a text."""
        said, text = self.given.value("reason"), self.given.text("text")
        concept: Resource = {}
        if isinstance(said, str):
            concept = {"coding": [{"system": REASON, "code": said}]}
        elif isinstance(said, dict):
            concept = dict(said) if "coding" in said or "text" in said else {"coding": [said]}
        if text:
            concept["text"] = text
        return concept


def case_of(exchange: Exchange, id_: str, known: frozenset[str]) -> Case:
    """Read the referral; raise GW-7002 (absent or invisible), GW-6207 (no referral), GW-7206."""
    demand(exchange.principal, "Task", "update")
    given = inputs(exchange, known)
    order = codec.decode_stored(current(exchange, "ServiceRequest", id_).body)
    if not is_referral(order):
        raise GatewayError("GW-6207", kind="referral", expression="ServiceRequest.category")
    reading = exchange.services.store.reading(exchange.visibility.shard)
    return Case(exchange, order, tuple(own_tasks(order, reading)), given)


def change(type_: str, resource: Resource, change_: Callable[[Resource], Resource]) -> Request:
    """Ask for a change of the current version, whatever it is by then."""
    return Request("patch", type_, resource["id"], change=change_)


def task_request(task: Resource, status: str, **elements: Json) -> Request:
    """Ask for a step of a task; elements that are empty are left as they stand."""
    said = {key: value for key, value in elements.items() if value}
    return change("Task", task, lambda now: now | said | {"status": status})


def with_output(task: Resource, outputs: Sequence[Resource]) -> list[Resource]:
    """Give a task's outputs with these in the place of what they repeat."""
    return [one for one in task.get("output", ()) if one not in outputs] + list(outputs)


def act(case: Case, requests: Sequence[Request]) -> Answer:
    """Write all of it or nothing; answer the version that the first request made."""
    exchange = case.exchange
    written = exchange.services.pipeline.write(exchange.principal, requests)
    stored = written[0].stored
    if stored is None:
        raise GatewayError("GW-7002", type=requests[0].type)
    answer = Answer.of(stored)
    location = f"{exchange.address}/{stored.type}/{stored.id}/_history/{stored.version}"
    return Answer(
        answer.status,
        body=answer.body,
        version=answer.version,
        updated_utc=answer.updated_utc,
        location=location,
    )
