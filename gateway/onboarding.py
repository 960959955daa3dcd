"""A member's way into the consortium: dated steps, and what it still lacks.

Each step is an OrganizationAffiliation of the member's Organization: ``code.text`` names it,
``period.start`` is the day that was agreed, ``active`` says that it is done.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from stdnum.cn import uscc

from gateway.errors import GatewayError
from gateway.fhir.ids import business_id
from gateway.fhir.systems import ROOT
from gateway.join import join
from gateway.preparing import Preparer
from gateway.records import BusinessKey, Contribution, MapContext, Resource
from gateway.store import Member, Store, Wanted

STEPS = ("agreement", "link", "live")
"""Agreement signed, system linked, in service."""
STEP = f"{ROOT}/sid/onboarding-step"
OFFICE = "referral-office"
_TYPE = "OrganizationAffiliation"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the day that was agreed for it, and whether it is done."""

    name: str
    due: date
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the conformance report; ``remedy`` says what to do where it does not hold."""

    is_met: bool
    text: str
    remedy: str = ""


def plan(
    store: Store,
    preparer: Preparer,
    secret: bytes,
    member: Member,
    agreed: list[Step],
    now: datetime,
) -> None:
    """Write steps of a member; one that was written before is changed."""
    contributions = [_contribution(member, step, secret) for step in agreed]
    drafts = join(store, member.shard, member.id, contributions, now)
    context = MapContext(member.id, None, now, lambda key: key.value)
    prepared = preparer.prepare(member.shard, drafts, store.reading(member.shard), context)
    store.commit(prepared.commit)


def steps(store: Store, member: Member) -> list[Step]:
    """Give the steps that were agreed with a member, in their order."""
    reading = store.reading(member.shard)
    found = []
    for name in STEPS:
        known = reading.find(_TYPE, identifier=f"{STEP}|{member.id}.{name}")
        for one in known[:1]:
            due = date.fromisoformat(one["period"]["start"])
            found.append(Step(name, due, bool(one["active"])))
    return found


def report(
    store: Store, member: Member, check: Callable[[str], object], now: datetime
) -> list[Finding]:
    """Say what a member has and lacks; ``check`` raises for an endpoint that may not be called.

    The day of ``now`` in its own zone decides whether a step is late.
    """
    return [
        *_steps_met(store, member, now.date()),
        Finding(
            bool(member.uscc and uscc.is_valid(member.uscc)),
            "统一社会信用代码 USCC",
            "gateway consortium apply",
        ),
        *_directory(store, member),
        *_systems(store, member, now),
        *_endpoint(member, check),
    ]


def _contribution(member: Member, step: Step, secret: bytes) -> Contribution:
    key = BusinessKey(_TYPE, STEP, f"{member.id}.{step.name}", is_shared=True)
    resource: Resource = {
        "resourceType": _TYPE,
        "id": business_id(secret, "", key),
        "identifier": [{"system": STEP, "value": key.value}],
        "active": step.is_done,
        "period": {"start": step.due.isoformat()},
        "participatingOrganization": {"reference": f"Organization/{member.organization}"},
        "code": [{"text": step.name}],
    }
    return Contribution(resource, (key,))


def _steps_met(store: Store, member: Member, today: date) -> Iterator[Finding]:
    known = {step.name: step for step in steps(store, member)}
    for name in STEPS:
        step = known.get(name)
        if step is None:
            yield Finding(False, f"{name}: 未约定日期 no day agreed", "gateway member onboard")
        elif step.is_done:
            yield Finding(True, f"{name}: {step.due} 已完成 done")
        else:
            yield Finding(today < step.due, f"{name}: {step.due} 未完成 open", f"--done {name}")


def _directory(store: Store, member: Member) -> Iterator[Finding]:
    reading = store.reading(member.shard)
    organization = f"Organization/{member.organization}"
    entry = reading.read("Organization", member.organization or "")
    yield Finding(entry is not None, "通讯录 directory entry", "gateway consortium apply")
    offices = [
        one
        for one in reading.find("HealthcareService", organization=organization)
        if _is_office(one) and any(t.get("system") == "phone" for t in one.get("telecom", ()))
    ]
    yield Finding(
        bool(offices),
        "双向转诊办公室及电话 referral office with phone",
        f"HealthcareService.type {OFFICE}",
    )
    responsible = {
        role["id"]
        for office in offices
        for role in reading.find("PractitionerRole", service=f"HealthcareService/{office['id']}")
        if role.get("active", True)
    }
    yield Finding(
        len(responsible) == 1,
        f"负责人 responsible persons: {len(responsible)}",
        "PractitionerRole: 1",
    )


def _is_office(service: Resource) -> bool:
    codings = [c for concept in service.get("type", ()) for c in concept.get("coding", ())]
    return any(one.get("code") == OFFICE for one in codings)


def _systems(store: Store, member: Member, now: datetime) -> Iterator[Finding]:
    clients = [
        one
        for one in store.registry.clients()
        if one.member == member.id
        and one.is_active
        and any(held.holds(now) for held in store.credentials.of(one.id))
    ]
    yield Finding(
        bool(clients), f"客户端 clients that can sign in: {len(clients)}", "gateway client add"
    )
    asked = store.audit.find(member.shard, Wanted(member.id), 50)
    has_come = any(row.status < 400 for row in asked)
    yield Finding(has_come, "已成功访问 has reached the gateway", "gateway audit list --member")


def _endpoint(member: Member, check: Callable[[str], object]) -> Iterator[Finding]:
    if member.endpoint is None:
        return
    try:
        check(member.endpoint)
    except GatewayError as error:
        yield Finding(False, "通知地址 endpoint", f"{error.number} {error.text_zh}")
    else:
        yield Finding(True, "通知地址 endpoint")


def found_member(store: Store, id_: str) -> Member:
    """Give a member of any consortium; raise GW-8012."""
    for tenant in store.registry.tenants():
        member = store.registry.member(tenant.shard, id_)
        if member is not None:
            return member
    raise GatewayError("GW-8012", member=id_)
