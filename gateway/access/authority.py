"""Authentication: from a client's secret to a token, from a token to a Principal."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from gateway.access import policy
from gateway.access.credentials import matches
from gateway.access.links import Link, LinkSigner, Seal
from gateway.access.scopes import granted, parse_scopes
from gateway.access.tokens import Grant, TokenSigner
from gateway.errors import GatewayError
from gateway.records import Principal, Visibility

SANDBOX_MEMBER = "sandbox"
_SANDBOX_SCOPES = "system/*.cruds intake/*"


class ClientRow(Protocol):
    """A registered client as the registry gives it."""

    @property
    def shards(self) -> tuple[int, ...]:
        """The consortia that its member takes part in; the first is the one it means."""

    @property
    def member(self) -> str:
        """The member it acts for."""

    @property
    def secret_hash(self) -> str:
        """Argon2id hash of its secret."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """What it was registered for."""

    @property
    def is_active(self) -> bool:
        """False once it was revoked."""


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

    ``sandbox_shard`` switches authentication off: every request acts as an operator of that shard.
    """

    _REMEMBERED = 4096
    _REMEMBERED_S = 5

    def __init__(
        self,
        secret: bytes,
        registry: Registry,
        clock: Callable[[], datetime],
        *,
        lifetime_s: int = 3600,
        sandbox_shard: int | None = None,
    ) -> None:
        self._signer = TokenSigner(secret, lifetime_s=lifetime_s)
        self._links = LinkSigner(secret)
        self.pages = Seal(secret, "page")
        self._registry = registry
        self._clock = clock
        self._sandbox_shard = sandbox_shard
        self._known: dict[str, tuple[Principal, float]] = {}

    @property
    def is_sandbox(self) -> bool:
        """Whether authentication is switched off."""
        return self._sandbox_shard is not None

    def token(self, client_id: str, client_secret: str, scope: str = "") -> dict[str, str | int]:
        """Issue an access token (RFC 6749 section 4.4); raise GW-8008 or GW-8009.

        Without a scope the token gets all that the client is registered for.
        """
        client = self._registry.client(client_id)
        is_known = matches(client_secret, client.secret_hash if client else None)
        if client is None or not is_known or not client.is_active:
            raise GatewayError("GW-8008")
        held = parse_scopes(" ".join(client.scopes))
        given = granted(parse_scopes(scope), held) if scope.strip() else held
        if not given:
            raise GatewayError("GW-8009")
        text = " ".join(map(str, given))
        return {
            "access_token": self._signer.issue(client_id, client.member, text, self._clock()),
            "token_type": "Bearer",
            "expires_in": self._signer.lifetime_s,
            "scope": text,
        }

    def issue(self, client_id: str, scope: str = "") -> str:
        """Issue a token for the operator's own tools, which hold the deployment secret anyway."""
        client = self._registry.client(client_id)
        if client is None or not client.is_active:
            raise GatewayError("GW-8011", client=client_id)
        text = scope or " ".join(client.scopes)
        given = granted(parse_scopes(text), parse_scopes(" ".join(client.scopes)))
        if not given:
            raise GatewayError("GW-8009")
        return self._signer.issue(
            client_id, client.member, " ".join(map(str, given)), self._clock()
        )

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

        A client that was revoked is turned away at most five seconds later.
        """
        now = self._clock()
        if (known := self._known.get(bearer)) and now.timestamp() < known[1]:
            return known[0]
        grant = self._signer.read(bearer, now)
        principal = self._named(grant)
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
