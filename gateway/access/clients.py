"""How a client proves who it is: by one of its secrets, or by an assertion signed with its key."""

import hashlib
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Protocol

from gateway.access.assertions import Assertion, read_assertion
from gateway.access.credentials import matches
from gateway.access.keys import Key, KeySets, read_keys
from gateway.access.limits import Limit
from gateway.errors import GatewayError


class ClientRow(Protocol):
    """A registered client as the registry gives it."""

    @property
    def id(self) -> str:
        """Its name in OAuth."""

    @property
    def shards(self) -> tuple[int, ...]:
        """The consortia that its member takes part in; the first is the one it means."""

    @property
    def member(self) -> str:
        """The member it acts for."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """What it was registered for."""

    @property
    def is_active(self) -> bool:
        """False once it was revoked."""


class CredentialRow(Protocol):
    """A way of a client to prove who it is."""

    @property
    def kind(self) -> str:
        """One of ``secret``, ``key``, ``address``."""

    @property
    def value(self) -> str:
        """Argon2id hash, JSON Web Key Set with the one public key, or address of a set."""

    def holds(self, now: datetime, /) -> bool:
        """Say whether it may be used now."""


class Credentials(Protocol):
    """The store's list of credentials, and of what was used up."""

    def of(self, client: str, /) -> Collection[CredentialRow]:
        """Give all credentials of a client."""

    def spend(self, value: str, until: datetime, /) -> bool:
        """Use something up for every process; False when it was used before."""

    def is_spent(self, value: str, /) -> bool:
        """Say whether something was used up."""


class Clients:
    """Names the client that a request comes from."""

    _SECRETS = 5
    """So many secrets are tried, whatever a client has, so that a refusal's time is bounded."""

    def __init__(
        self,
        find: Callable[[str], ClientRow | None],
        credentials: Credentials,
        key_sets: KeySets,
        failures: Limit,
        clock: Callable[[], datetime],
    ) -> None:
        self._find, self._credentials = find, credentials
        self._key_sets, self._failures, self._clock = key_sets, failures, clock

    def by_secret(self, client_id: str, secret: str, peer: str = "") -> ClientRow:
        """Give the client of an id and secret; raise GW-8008 whatever was wrong.

        GW-8024 after too many failures from the address ``peer`` under this id: nothing is
        compared then, for that is what costs.
        """
        key = f"{peer} {client_id[:200]}"
        self._failures.demand(key)
        client = self._find(client_id)
        hashes: list[str | None] = [one.value for one in self._held(client, "secret")]
        is_known = False
        for one in hashes[-self._SECRETS :] or [None]:
            is_known |= matches(secret, one)
        if client is None or not is_known or not client.is_active:
            self._failures.take(key)
            raise GatewayError("GW-8008")
        return client

    def by_assertion(self, text: str, audiences: Collection[str]) -> ClientRow:
        """Give the client of a signed assertion; raise GW-8016, or GW-8017 for one used before."""
        said = read_assertion(text, audiences, self._clock())
        client = self._find(said.client)
        said.demand_signed(self._key(client, said))
        if client is None or not client.is_active:
            raise GatewayError("GW-8016", claim="signature")
        digest = hashlib.sha256(said.jti.encode("utf-8", "surrogatepass")).hexdigest()
        if not self._credentials.spend(f"jti:{client.id}:{digest}", said.expires):
            raise GatewayError("GW-8017")
        return client

    def _held(self, client: ClientRow | None, kind: str) -> list[CredentialRow]:
        if client is None:
            return []
        now = self._clock()
        held = self._credentials.of(client.id)
        return [one for one in held if one.kind == kind and one.holds(now)]

    def _key(self, client: ClientRow | None, said: Assertion) -> Key | None:
        for one in self._held(client, "key"):
            if key := read_keys(one.value).get(said.kid):
                return key
        for one in self._held(client, "address"):
            # What a header names is fetched only where the client was registered with it.
            if said.jku in (None, one.value) and (key := self._key_sets.key(one.value, said.kid)):
                return key
        return None
