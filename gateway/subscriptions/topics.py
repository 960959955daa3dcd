"""The topics that a Subscription may name: which change of which type makes their event.

R4 has no SubscriptionTopic resource; the Backport guide lets a server list the canonicals in its
CapabilityStatement. The trigger is a FHIRPath expression with ``%previous`` and ``%current``, as
R5's ``resourceTrigger.fhirPathCriteria``.
"""

from dataclasses import dataclass
from functools import cache

from gateway.fhir import fhirpath
from gateway.fhir.definitions import load
from gateway.fhir.systems import (
    REFERRAL_DIRECTION,
    REFERRAL_TASK,
    ROOT,
    SERVICE_CATEGORY,
    code_system,
)
from gateway.records import Resource


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; ``fires`` compares a version with the one before."""

    name: str
    title_zh: str
    type: str
    trigger: str

    @property
    def url(self) -> str:
        """Give its canonical."""
        return f"{ROOT}/SubscriptionTopic/{self.name}"

    def fires(self, current: Resource, previous: Resource | None) -> bool:
        """Say whether the change is this topic's event."""
        variables: dict[str, object] = {
            "current": fhirpath.node_of(current),
            "previous": [] if previous is None else fhirpath.node_of(previous),
        }
        context = fhirpath.Context(_model(), current, current, variables=variables)
        return fhirpath.compile(self.trigger).is_true(current, context) is True


def _became(path: str, *codes: str) -> str:
    known = " | ".join(f"'{code}'" for code in codes)
    now = f"(%current.{path} in ({known}))"
    return f"{now} and iif(%previous.{path} = %current.{path}, false, true)"


_REFERRAL = (
    f"%current.category.coding.where(system = '{SERVICE_CATEGORY}' and code = 'referral').exists()"
)
_DOWN = (
    f"%current.category.coding.where(system = '{REFERRAL_DIRECTION}' and code = 'down').exists()"
)
_TASK = f"%current.code.coding.where(system = '{REFERRAL_TASK}' and code = 'fulfil-referral')"
_LATE = f"meta.tag.where(system = '{code_system('referral-mark')}' and code = 'overdue').exists()"

TOPICS = (
    Topic(
        "referral-received", "收到转诊", "ServiceRequest",
        f"{_REFERRAL} and {_DOWN}.not() and {_became('status', 'active')}",
    ),
    Topic(
        "referral-answered", "转诊已答复", "Task",
        f"{_TASK}.exists() and {_became('status', 'accepted', 'rejected', 'completed', 'failed')}",
    ),
    Topic(
        "referral-overdue", "转诊超时限", "Task",
        f"%current.{_LATE} and %previous.{_LATE}.not()",
    ),
    Topic(
        "patient-arrived", "患者已到院", "Encounter",
        f"%current.basedOn.exists() and {_became('status', 'arrived', 'in-progress')}",
    ),
    Topic(
        "result-available", "报告已出", "DiagnosticReport",
        _became("status", "final", "amended", "corrected", "appended"),
    ),
    Topic("discharge", "患者出院", "Encounter", _became("status", "finished")),
    Topic(
        "down-referral-drafted", "下转单已起草", "ServiceRequest",
        f"{_REFERRAL} and {_DOWN} and {_became('status', 'draft')}",
    ),
    Topic(
        "down-referral-signed", "下转单已签发", "ServiceRequest",
        f"{_REFERRAL} and {_DOWN} and {_became('status', 'active')}",
    ),
    Topic("claim-received", "收到理赔申请", "Claim", _became("status", "active")),
    Topic("claim-answered", "理赔已答复", "ClaimResponse", _became("status", "active")),
)  # fmt: skip
BY_URL = {topic.url: topic for topic in TOPICS}


@cache
def _model() -> fhirpath.Model:
    return fhirpath.Model(load())
