"""Authentication: from a client's secret to a token, from a token to a Principal."""

import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from gateway.access import policy
from gateway.access.clients import ClientRow, Clients, Credentials
from gateway.access.foreign import ForeignTokens, Provider
from gateway.access.keys import Fetch, KeySets
from gateway.access.limits import Limit
from gateway.access.links import Link, LinkSigner, Seal
from gateway.access.scopes import granted, parse_scopes
from gateway.access.tokens import ISSUER, Grant, TokenSigner
from gateway.errors import GatewayError
from gateway.records import Principal, Visibility

SANDBOX_MEMBER = "sandbox"
_SANDBOX_SCOPES = "system/*.cruds intake/*"


class MemberRow(Protocol):
    """A member of a consortium as the registry gives it."""

    @property
    def roles(self) -> tuple[str, ...]:
        """What it is: hospital, insurer, regulator, operator."""


class Registry(Protocol):
    """The store's list of members and clients."""

    def client(self, client_id: str, /) -> ClientRow | None:
        """Give a client by its id."""

    def member(self, shard: int, member_id: str, /) -> MemberRow | None:
        """Give a member of a consortium by its id."""


class Access:
    """Issues tokens, names principals, signs links.

    ``fetch`` reads key sets at addresses, ``provider`` issues tokens beside us. ``sandbox_shard``
    switches authentication off: every request acts as an operator of that shard.
    """

    _REMEMBERED = 4096
    _REMEMBERED_S = 5

    def __init__(
        self,
        secret: bytes,
        registry: Registry,
        credentials: Credentials,
        clock: Callable[[], datetime],
        *,
        fetch: Fetch | None = None,
        lifetime_s: int = 3600,
        sandbox_shard: int | None = None,
        provider: Provider | None = None,
        requests_per_minute: int = 0,
        failed_logins_per_minute: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signer = TokenSigner(secret, lifetime_s=lifetime_s)
        self._links = LinkSigner(secret)
        self.pages = Seal(secret, "page")
        failures = Limit(failed_logins_per_minute, "failed logins", monotonic)
        key_sets = KeySets(fetch, clock)
        self.clients = Clients(registry.client, credentials, key_sets, failures, clock)
        self._foreign = ForeignTokens(provider, fetch, clock) if provider else None
        self._requests = Limit(requests_per_minute, "requests", monotonic)
        self._registry, self._credentials = registry, credentials
        self._clock = clock
        self._sandbox_shard = sandbox_shard
        self._known: dict[str, tuple[Principal, float]] = {}

    @property
    def is_sandbox(self) -> bool:
        """Whether authentication is switched off."""
        return self._sandbox_shard is not None

    def token(
        self, client_id: str, client_secret: str, scope: str = "", peer: str = ""
    ) -> dict[str, str | int]:
        """Issue an access token for an id and secret; raise GW-8008, GW-8009 or GW-8024."""
        return self.grant(self.clients.by_secret(client_id, client_secret, peer), scope)

    def grant(self, client: ClientRow, scope: str = "") -> dict[str, str | int]:
        """Issue an access token (RFC 6749 section 4.4); raise GW-8009.

        Without a scope the token gets all that the client is registered for.
        """
        held = parse_scopes(" ".join(client.scopes))
        given = granted(parse_scopes(scope), held) if scope.strip() else held
        if not given:
            raise GatewayError("GW-8009")
        text = " ".join(map(str, given))
        return {
            "access_token": self._signer.issue(client.id, client.member, text, self._clock()),
            "token_type": "Bearer",
            "expires_in": self._signer.lifetime_s,
            "scope": text,
        }

    def issue(self, client_id: str, scope: str = "") -> str:
        """Issue a token for the operator's own tools, which hold the deployment secret anyway."""
        client = self._registry.client(client_id)
        if client is None or not client.is_active:
            raise GatewayError("GW-8011", client=client_id)
        return str(self.grant(client, scope)["access_token"])

    def introspect(self, asker: ClientRow, token: str) -> dict[str, str | int | bool]:
        """Say what a token is worth (RFC 7662), to its own member and to operators.

        To everybody else, and for a token that does not hold, the answer is the same.
        """
        try:
            grant, principal = self._held(token, self._clock())
        except GatewayError:
            return {"active": False}
        own = self._registry.member(asker.shards[0], asker.member)
        if asker.member != grant.member and "operator" not in (own.roles if own else ()):
            return {"active": False}
        return {
            "active": True,
            "scope": " ".join(principal.scopes),
            "client_id": grant.client,
            "sub": grant.client,
            "member": grant.member,
            "token_type": "Bearer",
            "exp": grant.expires,
            "iss": ISSUER,
            "jti": grant.token_id,
        }

    def revoke(self, asker: ClientRow, token: str) -> None:
        """End one of the client's own tokens (RFC 7009); raise GW-8020 for another client's.

        Other processes turn it away at most five seconds later. What is no token of ours, or has
        ended anyway, is passed over.
        """
        try:
            grant = self._signer.read(token, self._clock())
        except GatewayError:
            return
        if grant.client != asker.id:
            raise GatewayError("GW-8020")
        self._credentials.spend(_revoked(grant), datetime.fromtimestamp(grant.expires, UTC))
        self._known.pop(token, None)

    def authenticate(self, authorization: str | None) -> Principal:
        """Name the principal of an ``Authorization`` header (RFC 6750); raise GW-8001, GW-8002."""
        if self._sandbox_shard is not None:
            return self._sandbox(self._sandbox_shard)
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise GatewayError("GW-8001")
        return self.principal(token.strip())

    def principal(self, bearer: str) -> Principal:
        """Name the principal of a bearer token; raise GW-8002 when it does not hold (any more).

        A client that was revoked is turned away at most five seconds later, one that asks too
        often with GW-8024.
        """
        principal = self._remembered(bearer)
        self._requests.take(principal.client)
        return principal

    def _remembered(self, bearer: str) -> Principal:
        now = self._clock()
        if (known := self._known.get(bearer)) and now.timestamp() < known[1]:
            return known[0]
        grant, principal = self._held(bearer, now)
        if len(self._known) >= self._REMEMBERED:
            self._known = {}
        until = min(float(grant.expires), now.timestamp() + self._REMEMBERED_S)
        self._known[bearer] = (principal, until)
        return principal

    def viewer(self, shard: int, member_id: str) -> Visibility:
        """Give what a member may see, whatever the scopes (signed links, the console)."""
        if self._sandbox_shard is not None and member_id == SANDBOX_MEMBER:
            return self._sandbox(self._sandbox_shard).visibility
        member = self._registry.member(shard, member_id)
        if member is None:
            raise GatewayError("GW-8012", member=member_id)
        scopes = parse_scopes("system/*.rs")
        return policy.visibility(shard, member_id, member.roles, scopes)

    def sign_link(self, shard: int, member_id: str, type_: str, id_: str) -> str:
        """Give the path of a page that shows one resource as the member sees it."""
        return f"/view/{self._links.sign(shard, member_id, type_, id_, self._clock())}"

    def verify_link(self, token: str) -> Link:
        """Read the token of a signed link; raise GW-8006."""
        return self._links.verify(token, self._clock())

    def _held(self, bearer: str, now: datetime) -> tuple[Grant, Principal]:
        foreign = self._foreign.read(bearer, now) if self._foreign else None
        grant = self._adopted(foreign) if foreign else self._signer.read(bearer, now)
        if self._credentials.is_spent(_revoked(grant)):
            raise GatewayError("GW-8002")
        return grant, self._named(grant)

    def _adopted(self, grant: Grant) -> Grant:
        """Narrow what another server grants to what its client is registered for here."""
        client = self._registry.client(grant.client)
        if client is None:
            raise GatewayError("GW-8002")
        held = granted(parse_scopes(grant.scope), parse_scopes(" ".join(client.scopes)))
        return replace(grant, member=client.member, scope=" ".join(map(str, held)))

    def _named(self, grant: Grant) -> Principal:
        client = self._registry.client(grant.client)
        if client is None or not client.is_active or client.member != grant.member:
            raise GatewayError("GW-8002")
        shard = client.shards[0]
        member = self._registry.member(shard, client.member)
        if member is None:
            raise GatewayError("GW-8002")
        scopes = parse_scopes(grant.scope)
        return Principal(
            client=grant.client,
            member=grant.member,
            roles=frozenset(member.roles),
            scopes=tuple(map(str, scopes)),
            visibility=policy.visibility(shard, grant.member, member.roles, scopes),
        )

    def _sandbox(self, shard: int) -> Principal:
        roles = frozenset({"operator"})
        scopes = parse_scopes(_SANDBOX_SCOPES)
        return Principal(
            client=SANDBOX_MEMBER,
            member=SANDBOX_MEMBER,
            roles=roles,
            scopes=tuple(map(str, scopes)),
            visibility=policy.visibility(shard, SANDBOX_MEMBER, roles, scopes),
        )


def _revoked(grant: Grant) -> str:
    return f"token:{grant.token_id}"


def basic_credentials(authorization: str) -> tuple[str, str] | None:
    """Read a client's id and secret from an HTTP Basic header; None when it is not one."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    client_id, colon, secret = text.partition(":")
    return (client_id, secret) if colon else None
