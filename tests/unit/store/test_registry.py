"""Tenants, members, clients, channels."""

from dataclasses import replace

import pytest

from gateway.errors import GatewayError
from gateway.records import Channel
from gateway.store import Client, Member, Store, Tenant


def test_what_is_registered_is_given_back_and_changed_in_place(store: Store) -> None:
    registry = store.registry
    tenant = Tenant("qingshan", "青山县医共体", 1)
    member = Member(1, "qs-county", "青山县人民医院", ("hospital",), "12429901MB01A2001Y", "org-1")
    client = Client("c1", "HIS", "qs-county", (1, 7), ("system/Patient.r",))
    channel = Channel("csv", 1, "qs-county", "rows", ("referral",), options={"delimiter": ","})
    for _ in range(2):
        registry.add_tenant(tenant)
        registry.add_member(member)
        registry.add_client(client)
        registry.add_channel(channel)
    assert registry.tenants() == (tenant,)
    assert registry.shards() == (1,)
    assert registry.members(1) == (member,)
    assert registry.member(1, "qs-county") == member
    assert registry.member_by_organization(1, "org-1") == member
    assert registry.member(2, "qs-county") is None
    assert registry.client("c1") == client
    assert registry.channel("csv") == channel
    registry.add_client(replace(client, is_active=False))
    assert [one.is_active for one in registry.clients()] == [False]


def test_an_unknown_channel_is_refused_by_name(store: Store) -> None:
    with pytest.raises(GatewayError, match="nowhere"):
        store.registry.channel("nowhere")
