"""Sends one notice to a member's endpoint by HTTP and says how it ended."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from gateway.delivery.addresses import AddressGuard, Pinned
from gateway.delivery.notification import notification
from gateway.delivery.signing import HEADER, sign
from gateway.errors import KINDS, GatewayError
from gateway.fhir import codec
from gateway.store import Delivery

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
# Answers that the same notice can never get otherwise: trying again would only repeat them.
REFUSALS = frozenset({400, 405, 406, 410, 413, 414, 415, 422, 501})


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has taken the notice."""

    status: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The receiver has not taken it; ``is_permanent``: trying again would not help."""

    error: GatewayError
    is_permanent: bool
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Awaited:
    """The receiver has been given it and has not said yet; it is asked again after ``again``."""

    error: GatewayError
    again: timedelta = timedelta(seconds=2)


Answered = Delivered | Failed
Outcome = Answered | Awaited
Judge = Callable[[requests.Response, Pinned], Answered]
"""Reads an answer, its body too where it counts; what requests raises meanwhile is a failure."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One request made ready: to an endpoint and a path below it, with the receiver's headers."""

    endpoint: str
    secret: bytes = field(repr=False)
    key: str
    body: bytes
    path: str = ""
    method: str = "POST"
    content_type: str = "application/fhir+json"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    timeout_s: float | None = None


class PinnedAdapter(HTTPAdapter):
    """Connects to the checked address while speaking to, and verifying, the named host."""

    def __init__(self, pinned: Pinned) -> None:
        """Pin the destination for the adapter's life."""
        self._pinned = pinned
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:  # The stub's TypedDict lacks the names below, which urllib3 takes.
        """Name the pool by the address; TLS still asks for and checks the host's name."""
        host: dict[str, Any]
        pool: dict[str, Any]
        host, pool = cast(
            "Any", super().build_connection_pool_key_attributes(request, verify, cert)
        )
        host["host"] = self._pinned.address
        if self._pinned.scheme == "https":
            pool["server_hostname"] = self._pinned.host
            pool["assert_hostname"] = self._pinned.host
        return host, pool


class Peer:
    """One receiver: its session and the lock that keeps its notices one after another."""

    def __init__(self) -> None:
        """Start without a connection."""
        self.lock = threading.Lock()
        self._pinned: Pinned | None = None
        self._session: requests.Session | None = None

    def session(self, pinned: Pinned) -> requests.Session:
        """Give the session to a destination; a new address makes a new session."""
        if self._session is None or self._pinned != pinned:
            self.close()
            self._session = requests.Session()
            self._session.trust_env = False  # No proxy, no .netrc: the pinned address or nothing.
            self._session.mount(f"{pinned.scheme}://", PinnedAdapter(pinned))
            self._pinned = pinned
        return self._session

    def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            self._session.close()
            self._session = None


class Sender:
    """Sends notices; safe to use from several threads, one notice per endpoint at a time."""

    def __init__(
        self,
        guard: AddressGuard,
        fhir_address: str,
        now: Callable[[], datetime],
        timeouts_s: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
    ) -> None:
        """Take the address guard, the address of our own FHIR API, the clock and timeouts."""
        self._guard, self._fhir_address, self._now = guard, fhir_address, now
        self._timeouts_s = timeouts_s
        self._peers: dict[str, Peer] = {}
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """Give the address of our own FHIR API as notices say it."""
        return self._fhir_address

    def send(self, url: str, secret: bytes, delivery: Delivery) -> Outcome:
        """Send one notice to a member's endpoint and say how it ended; nothing is raised."""
        body = codec.encode(notification(delivery, self._fhir_address, self._now()))
        return self.call(Letter(url, secret, delivery.idempotency_key, body))

    def check(self, url: str) -> Answered:
        """Say whether an address may be called at all; nothing is sent."""
        try:
            self._guard.check(url)
        except GatewayError as error:
            return Failed(error, is_permanent=not KINDS[error.kind].is_retried)
        return Delivered(0)

    def call(self, letter: Letter, judge: Judge | None = None) -> Answered:
        """Send what was made ready and say how it ended; nothing is raised.

        No redirect is followed; the status decides, and no body is read, unless ``judge`` does.
        """
        try:
            pinned = self._guard.check(letter.endpoint)
        except GatewayError as error:
            return Failed(error, is_permanent=not KINDS[error.kind].is_retried)
        headers = {
            "User-Agent": "consortium-fhir-gateway",
            "Accept": "application/fhir+json",
            **dict(letter.headers),
            "Host": pinned.authority,
            "Idempotency-Key": letter.key,
            HEADER: sign(letter.secret, letter.body, self._now()),
        }
        if letter.body:
            headers["Content-Type"] = letter.content_type
        with self._lock:
            peer = self._peers.setdefault(letter.endpoint, Peer())
        with peer.lock:
            return self._transmit(peer, pinned, letter, headers, judge or judge_status)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for peer in self._peers.values():
                peer.close()
            self._peers.clear()

    def _transmit(
        self, peer: Peer, pinned: Pinned, letter: Letter, headers: Mapping[str, str], judge: Judge
    ) -> Answered:
        connect_s, read_s = self._timeouts_s
        try:
            with peer.session(pinned).request(
                letter.method,
                letter.endpoint + letter.path,
                data=letter.body,
                headers=dict(headers),
                timeout=(connect_s, letter.timeout_s or read_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                return judge(response, pinned)
        except requests.exceptions.SSLError:
            return _failed("GW-6108", pinned)
        except requests.exceptions.Timeout:
            return _failed("GW-6104", pinned, cause="timeout")
        except requests.exceptions.RequestException as err:
            return _failed("GW-6104", pinned, cause=type(err).__name__)


def judge_status(response: requests.Response, pinned: Pinned) -> Answered:
    """Say by its status how a request ended."""
    status = response.status_code
    if 200 <= status < 300:
        return Delivered(status)
    if 300 <= status < 400 or status in REFUSALS:
        return Failed(GatewayError("GW-6106", host=pinned.host, status=status), is_permanent=True)
    asked = response.headers.get("Retry-After", "")
    after = timedelta(seconds=int(asked)) if asked.isdecimal() and len(asked) < 8 else None
    error = GatewayError("GW-6105", host=pinned.host, status=status)
    return Failed(error, is_permanent=False, retry_after=after)


def _failed(number: str, pinned: Pinned, cause: str = "") -> Failed:
    return Failed(GatewayError(number, host=pinned.host, cause=cause), is_permanent=False)


def host_of(url: str) -> str:
    """Give the host of an endpoint's address for lists and logs."""
    return urlsplit(url).hostname or ""
