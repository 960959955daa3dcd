"""Tokens, principals, links: what holds, what does not, and when it ends."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from gateway.access import (
    DIRECTORY,
    REFERRAL,
    REPORT,
    Access,
    basic_credentials,
    demand,
    demand_change,
    demand_id,
    demand_intake,
    for_purpose,
    new_secret,
    purpose_of,
)
from gateway.errors import GatewayError
from gateway.records import Principal
from gateway.store import Credential

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class Client:
    id: str
    member: str
    scopes: tuple[str, ...]
    shards: tuple[int, ...] = (1,)
    is_active: bool = True


@dataclass
class Member:
    roles: tuple[str, ...]


@dataclass
class People:
    """A registry in memory and a clock that is moved by hand; each client has the same secret."""

    clients: dict[str, Client] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    added: list[Credential] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    now: datetime = NOON

    def client(self, client_id: str, /) -> Client | None:
        return self.clients.get(client_id)

    def member(self, shard: int, member_id: str, /) -> Member | None:
        return self.members.get(member_id) if shard == 1 else None

    def of(self, client: str, /) -> list[Credential]:
        own = [one for one in self.added if one.client == client]
        return own or [Credential(client, "secret-1", "secret", HASH)]

    def spend(self, value: str, until: datetime, /) -> bool:
        assert until > self.now
        is_new = value not in self.used
        self.used.add(value)
        return is_new

    def is_spent(self, value: str, /) -> bool:
        return value in self.used

    def clock(self) -> datetime:
        return self.now


SECRET, HASH = new_secret()


@pytest.fixture
def people() -> People:
    people = People()
    people.members["qs-county"] = Member(("hospital",))
    people.members["qs-bureau"] = Member(("regulator",))
    people.members["ops"] = Member(("operator",))
    people.clients["his"] = Client("his", "qs-county", ("system/*.cruds", "intake/his-adt"))
    people.clients["bureau"] = Client("bureau", "qs-bureau", ("system/*.rs",))
    people.clients["ops"] = Client("ops", "ops", ("system/*.cruds", "intake/*"))
    return people


@pytest.fixture
def access(people: People) -> Access:
    return Access(b"deployment secret", people, people, people.clock)


def principal(access: Access, client: str, scope: str = "") -> Principal:
    return access.principal(str(access.token(client, SECRET, scope)["access_token"]))


def number(caught: pytest.ExceptionInfo[GatewayError]) -> str:
    return caught.value.number


def test_a_client_with_its_secret_becomes_its_members_principal(access: Access) -> None:
    found = principal(access, "his")
    assert (found.client, found.member) == ("his", "qs-county")
    assert found.visibility.classes == DIRECTORY
    assert found.visibility.types is None
    assert not found.visibility.sees_all


def test_a_regulator_sees_reports_of_everybody_and_referrals_for_a_stated_purpose(
    access: Access,
) -> None:
    bureau = principal(access, "bureau")
    assert bureau.visibility.classes == DIRECTORY | REPORT
    for header in (None, "PUBHLTH", "PUBHLTH; ", "TREAT; because"):
        assert for_purpose(bureau, purpose_of(header)) == bureau
    stated = for_purpose(bureau, purpose_of("PUBHLTH; 抽查上转指征"))
    assert stated.visibility.classes == DIRECTORY | REFERRAL | REPORT
    with pytest.raises(GatewayError, match="GW-8032"):
        purpose_of("CURIOSITY; because")


def test_a_narrow_scope_narrows_what_may_be_seen(access: Access) -> None:
    found = principal(access, "his", "system/Patient.rs")
    assert found.visibility.types == frozenset({"Patient"})
    demand(found, "Patient", "read")
    with pytest.raises(GatewayError) as caught:
        demand(found, "Patient", "update")
    assert number(caught) == "GW-8003"


@pytest.mark.parametrize(
    ("client", "secret"),
    [("his", "wrong"), ("nobody", SECRET), ("", "")],
    ids=["wrong", "unknown", "empty"],
)
def test_a_wrong_secret_and_an_unknown_client_get_the_same_answer(
    access: Access, client: str, secret: str
) -> None:
    with pytest.raises(GatewayError) as caught:
        access.token(client, secret)
    assert number(caught) == "GW-8008"


def test_a_scope_that_is_not_registered_is_not_granted(access: Access) -> None:
    with pytest.raises(GatewayError) as caught:
        access.token("bureau", SECRET, "system/Patient.cud")
    assert number(caught) == "GW-8009"


def test_a_token_ends_with_its_hour(access: Access, people: People) -> None:
    token = str(access.token("his", SECRET)["access_token"])
    people.now = NOON + timedelta(minutes=59)
    assert access.principal(token).member == "qs-county"
    people.now = NOON + timedelta(minutes=60, seconds=1)
    with pytest.raises(GatewayError) as caught:
        access.principal(token)
    assert number(caught) == "GW-8002"


def test_a_revoked_client_is_turned_away_within_seconds(access: Access, people: People) -> None:
    token = str(access.token("his", SECRET)["access_token"])
    access.principal(token)
    people.clients["his"].is_active = False
    people.now = NOON + timedelta(seconds=6)
    with pytest.raises(GatewayError) as caught:
        access.principal(token)
    assert number(caught) == "GW-8002"


def test_a_token_whose_text_was_changed_does_not_hold(access: Access) -> None:
    head, claims, signature = str(access.token("his", SECRET)["access_token"]).split(".")
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    decoded["member"] = "ops"
    forged = base64.urlsafe_b64encode(json.dumps(decoded).encode()).rstrip(b"=").decode()
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for token in (
        f"{head}.{forged}.{signature}",
        f"{unsigned}.{claims}.",
        "x",
        "",
        "a.b.c",
        "é.é.é",
    ):
        with pytest.raises(GatewayError) as caught:
            access.principal(token)
        assert number(caught) == "GW-8002"


def test_a_token_of_another_deployment_does_not_hold(access: Access, people: People) -> None:
    other = Access(b"another secret", people, people, people.clock)
    with pytest.raises(GatewayError) as caught:
        access.principal(str(other.token("his", SECRET)["access_token"]))
    assert number(caught) == "GW-8002"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "token"])
def test_without_a_bearer_token_nobody_is_known(access: Access, header: str | None) -> None:
    with pytest.raises(GatewayError) as caught:
        access.authenticate(header)
    assert number(caught) == "GW-8001"


def test_the_sandbox_acts_as_operator_without_a_token(people: People) -> None:
    sandbox = Access(b"s", people, people, people.clock, sandbox_shard=1)
    found = sandbox.authenticate(None)
    assert found.visibility.sees_all
    demand(found, "Patient", "delete")


def test_only_the_channels_member_sends_to_it_and_others_learn_nothing(access: Access) -> None:
    his = principal(access, "his")
    demand_intake(his, "his-adt", "qs-county")
    with pytest.raises(GatewayError) as caught:
        demand_intake(his, "lis", "qs-county")
    assert number(caught) == "GW-8004"
    with pytest.raises(GatewayError) as caught:
        demand_intake(his, "his-adt", "lj-city")
    assert number(caught) == "GW-1001"
    demand_intake(principal(access, "ops"), "his-adt", "qs-county")


def test_a_record_is_changed_by_its_owner_and_a_task_by_its_parties_too(access: Access) -> None:
    his = principal(access, "his")
    demand_change(his, "Observation", "qs-county", ())
    demand_change(his, "Task", "qs-township", {"qs-county"})
    for type_, parties in (("Observation", {"qs-county"}), ("Task", {"lj-city"})):
        with pytest.raises(GatewayError) as caught:
            demand_change(his, type_, "qs-township", parties)
        assert number(caught) == "GW-8005"
    demand_change(principal(access, "ops"), "Observation", "qs-township", ())


@pytest.mark.parametrize(
    ("id_", "is_allowed", "holds"),
    [
        ("qs-county.1", True, True),
        ("qs-county.1", False, False),
        ("qs-county", True, False),
        ("qs-county-1", True, False),
        ("lj-city.1", True, False),
        ("1", True, False),
    ],
)
def test_a_member_chooses_only_ids_that_nobody_else_can_hold(
    access: Access, id_: str, is_allowed: bool, holds: bool
) -> None:
    his = principal(access, "his")
    if holds:
        demand_id(his, id_, is_allowed=is_allowed)
    else:
        with pytest.raises(GatewayError) as caught:
            demand_id(his, id_, is_allowed=is_allowed)
        assert number(caught) == "GW-8007"


def test_a_link_opens_one_resource_for_ten_minutes(access: Access, people: People) -> None:
    path = access.sign_link(1, "qs-county", "Patient", "p1")
    token = path.removeprefix("/view/")
    link = access.verify_link(token)
    assert (link.shard, link.member, link.type, link.id) == (1, "qs-county", "Patient", "p1")
    people.now = NOON + timedelta(minutes=10, seconds=1)
    with pytest.raises(GatewayError) as caught:
        access.verify_link(token)
    assert number(caught) == "GW-8006"


def test_a_link_that_was_changed_does_not_open(access: Access) -> None:
    token = access.sign_link(1, "qs-county", "Patient", "p1").removeprefix("/view/")
    other = access.sign_link(1, "qs-county", "Patient", "p2").removeprefix("/view/")
    mixed = f"{other.split('.')[0]}.{token.split('.')[1]}"
    for bad in (mixed, token[:-2], "", ".", "é", token + "é", "a" * 10_000):
        with pytest.raises(GatewayError) as caught:
            access.verify_link(bad)
        assert number(caught) == "GW-8006"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Basic " + base64.b64encode("his:密:钥".encode()).decode(), ("his", "密:钥")),
        ("Basic !!!", None),
        ("Basic " + base64.b64encode(b"\xff:").decode(), None),
        ("Basic " + base64.b64encode(b"nocolon").decode(), None),
        ("Bearer x", None),
    ],
)
def test_basic_credentials_are_read_or_refused(
    header: str, expected: tuple[str, str] | None
) -> None:
    assert basic_credentials(header) == expected
