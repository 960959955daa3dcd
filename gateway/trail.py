"""Every answer leaves its row in the audit trail first: the one place at the edge.

Over HTTP it is a WSGI application around all others. What is asked gathers in a ``Trail`` in the
request's environ: who asks, and through the asker's own ``Visibility`` what is read or written. The
row is durable before the first octet of the answer goes out; where it cannot be written, nothing is
told. Messages over MLLP are acknowledged in the same way.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from gateway.access import Purpose
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.outcome import operation_outcome
from gateway.records import UNNAMED, Audited, Channel, Principal, Seen, Visibility
from gateway.store import Store
from gateway.telemetry import log

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOG = log("audit")
_KEY = "gateway.trail"
# What everybody may know, and what tells nothing of anybody.
_PUBLIC = frozenset(
    {
        *("/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/fhir/metadata"),
        *("/.well-known/smart-configuration", "/fhir/.well-known/smart-configuration"),
    }
)
_LONGEST_PATH = 2_000
_LINKS = "/view/"
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_UNREAD = "\N{REPLACEMENT CHARACTER}"
_ACKNOWLEDGED = re.compile(rb"[\r\n]MSA.([AC][AER])")
_REFUSED = frozenset({b"AE", b"AR", b"CE", b"CR"})
_WORDS = {"intake": "intake", "oauth": "login"}
"""What is asked outside of FHIR, by the first part of its address."""


@dataclass(slots=True)
class Trail:
    """What is known of one request while it is answered; ``query`` in readable form."""

    word: str = ""
    query: str = ""
    client: str = ""
    member: str = ""
    shard: int = UNNAMED
    agent: str | None = None
    purpose: str | None = None
    reason: str | None = None
    error: str | None = None
    seen: Seen = field(default_factory=Seen)

    def watch(self, asker: Principal, purpose: Purpose | None = None) -> Principal:
        """Note who asks, and what for; give the same principal with watched eyes."""
        self.client = asker.client
        if purpose is not None:
            self.purpose, self.reason = purpose.code, purpose.reason
        return replace(asker, visibility=self.look(asker.visibility))

    def look(self, eyes: Visibility) -> Visibility:
        """Note for which member is read; give the same eyes, watched."""
        self.member, self.shard = eyes.member, eyes.shard
        return replace(eyes, seen=self.seen)


def trail_of(environ: "WSGIEnvironment") -> Trail:
    """Give the trail of a request."""
    found: Trail = environ.setdefault(_KEY, Trail())
    return found


class Trailed:
    """The application with a row for each access, before its answer."""

    def __init__(self, behind: "WSGIApplication", store: Store) -> None:
        self._behind, self._store = behind, store

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer once the row is durable; 503 where it cannot be written."""
        if environ["PATH_INFO"] in _PUBLIC:
            return self._behind(environ, start_response)
        trail = environ[_KEY] = Trail()
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def hold(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
            begun[:] = [(status, headers)]

        body = self._behind(environ, hold)
        status, headers = begun[0]
        try:
            self._store.audit.append(_row(environ, trail, int(status[:3])))
        except GatewayError as error:
            LOG.warning("access not audited, not answered", error=error.number)
            _close(body)
            return _unavailable(error, start_response)
        start_response(status, headers)
        return body


def noted(
    store: Store, channel: Channel, take: Callable[[bytes, str], bytes | None]
) -> Callable[[bytes, str], bytes | None]:
    """Let each message over MLLP leave its row before it is acknowledged; without one it is not."""

    def receive(raw: bytes, peer: str) -> bytes | None:
        answer = take(raw, peer)
        if answer is None:
            return None
        code = _ACKNOWLEDGED.search(answer)
        status = 422 if code is not None and code[1] in _REFUSED else 200
        try:
            store.audit.append(message_row(channel, "MLLP", peer, status))
        except GatewayError as error:
            LOG.warning("message not audited, not acknowledged", error=error.number)
            return None
        return answer

    return receive


def message_row(channel: Channel, way: str, peer: str, status: int) -> Audited:
    """Make the row of a native message that came by another way than HTTP."""
    path = f"/intake/{channel.id}"
    return Audited(
        channel.shard, "", channel.member, way, "intake", path, "", status, peer=peer[:200]
    )


def _row(environ: "WSGIEnvironment", trail: Trail, status: int) -> Audited:
    return Audited(
        trail.shard,
        _text(trail.client),
        trail.member,
        _text(environ["REQUEST_METHOD"][:20]),
        trail.word or _WORDS.get(environ["PATH_INFO"].split("/")[1], "unknown"),
        _path(environ),
        _text(trail.query or unquote_plus(environ.get("QUERY_STRING", ""))),
        status,
        _text(trail.agent) if trail.agent else None,
        trail.purpose,
        _text(trail.reason) if trail.reason else None,
        trail.error,
        environ.get("REMOTE_ADDR"),
        trail.seen,
    )


def _text(text: str) -> str:
    """Make what a client sent storable and harmless on a terminal.

    A NUL ends texts elsewhere, a lone half of a pair is none, and a line break or an escape
    sequence would write lines of its own into a list that an auditor reads.
    """
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub(_UNREAD, text).encode("utf-8", "replace").decode()


def _path(environ: "WSGIEnvironment") -> str:
    octets: str = environ["PATH_INFO"]
    if octets.startswith(_LINKS):
        return _LINKS  # The rest opens a resource to whoever reads it here.
    if not octets.isascii():
        octets = octets.encode("latin-1", "replace").decode("utf-8", "replace")
    return _text(octets)[:_LONGEST_PATH]


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()


def _unavailable(error: GatewayError, start_response: "StartResponse") -> Iterable[bytes]:
    content = codec.encode(operation_outcome(error.as_issues(), "zh"))
    headers = [
        ("Content-Type", "application/fhir+json; charset=utf-8"),
        ("Content-Length", str(len(content))),
        ("Retry-After", "5"),
        ("Cache-Control", "no-store"),
    ]
    start_response("503 Service Unavailable", headers)
    return [content]
