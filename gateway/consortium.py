"""Set up a consortium from its description: tenant, members with their directory entry, channels.

Applying a description again changes what differs and leaves the rest; nothing is ever removed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from stdnum.cn import uscc

from gateway.errors import GatewayError
from gateway.fhir.ids import business_id
from gateway.fhir.systems import (
    CREDIT_CODE,
    HOSPITAL_GRADE,
    NHSA_DIVISION,
    NHSA_INSTITUTION,
    ORGANIZATION_CODE,
    ORGANIZATION_TIER,
    ROOT,
)
from gateway.join import join
from gateway.preparing import Preparer
from gateway.records import BusinessKey, Channel, Contribution, MapContext, Place, Resource
from gateway.store import Member, Store, Tenant

MEMBER = f"{ROOT}/sid/member"
_WORD = {"type": "string", "pattern": r"^[a-z0-9][a-z0-9-]{0,62}$"}
_TEXT = {"type": "string", "minLength": 1}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["tenant", "members"],
    "additionalProperties": False,
    "properties": {
        "tenant": {
            "type": "object",
            "required": ["id", "name"],
            "additionalProperties": False,
            "properties": {"id": _WORD, "name": _TEXT, "shard": {"type": "integer", "minimum": 1}},
        },
        "members": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name", "roles", "uscc"],
                "additionalProperties": False,
                "properties": {
                    "id": _WORD,
                    "name": _TEXT,
                    "roles": {
                        "type": "array",
                        "items": {"enum": ["hospital", "insurer", "regulator", "operator"]},
                    },
                    "uscc": _TEXT,
                    "tier": _TEXT,
                    "grade": _TEXT,
                    "phone": _TEXT,
                    "admdvs": _TEXT,
                    "fixmedins": _TEXT,
                    "endpoint": _TEXT,
                },
            },
        },
        "channels": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "member", "format", "mappings"],
                "additionalProperties": False,
                "properties": {
                    "id": _WORD,
                    "member": _WORD,
                    "format": {"enum": ["hl7v2", "xml", "json", "rows"]},
                    "mappings": {"type": "array", "items": _TEXT, "minItems": 1},
                    "charset": _TEXT,
                    "zone": _TEXT,
                    "policy": {"enum": ["enforce", "warn"]},
                    "options": {"type": "object"},
                },
            },
        },
    },
}


@dataclass(frozen=True, slots=True)
class Applied:
    """What a description came to: the members and channels now in force."""

    tenant: Tenant
    members: tuple[Member, ...]
    channels: tuple[Channel, ...]


def read_description(path: Path) -> dict[str, Any]:
    """Read a consortium file; raise GW-1020 with the place of every fault."""
    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        mark = getattr(err, "problem_mark", None)
        place = Place(str(path), mark.line + 1, mark.column + 1) if mark else Place(str(path))
        raise GatewayError("GW-1020", where=place, problem="YAML") from err
    for fault in Draft202012Validator(SCHEMA).iter_errors(described):
        place = Place(f"{path.name}: {fault.json_path}")
        raise GatewayError("GW-1020", where=place, problem=fault.message[:200])
    for one in described["members"]:
        if not uscc.is_valid(one["uscc"]):
            place = Place(f"{path.name}: members / {one['id']} / uscc")
            raise GatewayError("GW-1020", where=place, problem="uscc: check digit 校验码")
    result: dict[str, Any] = described
    return result


def apply(
    store: Store,
    preparer: Preparer,
    secret: bytes,
    described: Mapping[str, Any],
    now: datetime,
) -> Applied:
    """Write tenant, members, their Organizations and channels."""
    told = described["tenant"]
    tenant = Tenant(told["id"], told["name"], told.get("shard", 1))
    store.registry.add_tenant(tenant)
    identify = partial(business_id, secret, "")
    members = []
    for one in described["members"]:
        organization = _organization(one, identify(_keys(one)[0]))
        members.append(_member(one, tenant.shard, organization["id"]))
        store.registry.add_member(members[-1])
        _write(store, preparer, tenant.shard, one, organization, now)
    channels = [_channel(one, tenant.shard) for one in described.get("channels", ())]
    known = {member.id for member in store.registry.members(tenant.shard)}
    for channel in channels:
        if channel.member not in known:
            place = Place(f"channels / {channel.id} / member")
            raise GatewayError("GW-1020", where=place, problem=f"no member {channel.member}")
        store.registry.add_channel(channel)
    return Applied(tenant, tuple(members), tuple(channels))


def _keys(one: Mapping[str, Any]) -> Sequence[BusinessKey]:
    """The identifiers by which any record may name the organisation."""
    pairs = [
        (CREDIT_CODE, one["uscc"]),
        (ORGANIZATION_CODE, one["uscc"]),
        (ORGANIZATION_CODE, one["uscc"][8:17]),
        (NHSA_DIVISION, one.get("admdvs")),
        (NHSA_INSTITUTION, one.get("fixmedins")),
        (MEMBER, one["id"]),
    ]
    return [
        BusinessKey("Organization", system, value, is_shared=True)
        for system, value in pairs
        if value
    ]


def _organization(one: Mapping[str, Any], id_: str) -> Resource:
    kinds = [
        {"coding": [{"system": system, "code": one[name]}]}
        for system, name in ((ORGANIZATION_TIER, "tier"), (HOSPITAL_GRADE, "grade"))
        if one.get(name)
    ]
    kind = {"hospital": "prov", "insurer": "ins", "regulator": "govt", "operator": "other"}
    kinds.append(
        {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/organization-type",
                    "code": kind[one["roles"][0]] if one["roles"] else "other",
                }
            ]
        }
    )
    resource: Resource = {
        "resourceType": "Organization",
        "id": id_,
        "identifier": [
            {"system": key.system, "value": key.value}
            for key in _keys(one)
            if (key.system, key.value) != (ORGANIZATION_CODE, one["uscc"])
        ],
        "active": True,
        "type": kinds,
        "name": one["name"],
    }
    if one.get("phone"):
        resource["telecom"] = [{"system": "phone", "value": one["phone"]}]
    return resource


def _member(one: Mapping[str, Any], shard: int, organization: str) -> Member:
    return Member(
        shard,
        one["id"],
        one["name"],
        tuple(one["roles"]),
        one["uscc"],
        organization,
        one.get("admdvs"),
        one.get("endpoint"),
    )


def _channel(one: Mapping[str, Any], shard: int) -> Channel:
    return Channel(
        one["id"],
        shard,
        one["member"],
        one["format"],
        tuple(one["mappings"]),
        one.get("charset"),
        one.get("zone"),
        one.get("policy", "enforce"),
        one.get("options", {}),
    )


def _write(
    store: Store,
    preparer: Preparer,
    shard: int,
    one: Mapping[str, Any],
    organization: Resource,
    now: datetime,
) -> None:
    contribution = Contribution(organization, tuple(_keys(one)))
    drafts = join(store, shard, one["id"], [contribution], now)
    context = MapContext(one["id"], None, now, lambda key: key.value)
    prepared = preparer.prepare(shard, drafts, store.reading(shard), context)
    store.commit(prepared.commit)
