"""What a Subscription asks for: R4's rest-hook, with criteria or a topic of the Backport guide.

https://hl7.org/fhir/R4/subscription.html,
http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from gateway.errors import GatewayError
from gateway.records import Json, Resource

GUIDE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
Content = Literal["empty", "id-only", "full-resource"]
CONTENTS: tuple[Content, ...] = ("empty", "id-only", "full-resource")
MIME_TYPES = ("application/fhir+json", "application/json", "application/fhir+xml")
LONGEST_TIMEOUT_S = 60
MOST_EVENTS = 100
DEFAULT_EVENTS = 10
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\x20-\x7e]{0,2000})")
# What the connection says by itself: another's word would change where the notice goes.
_OWN_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "te", "upgrade"}
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A Subscription in force or asked for.

    ``criteria`` is a search (``Encounter?status=finished``) or, with ``is_topic``, a topic's
    canonical, narrowed by ``filters``, searches too. ``mime`` None: R4's empty notice.
    """

    id: str
    status: str
    criteria: str
    endpoint: str
    headers: tuple[tuple[str, str], ...] = field(repr=False, default=())
    mime: str | None = None
    is_topic: bool = False
    filters: tuple[str, ...] = ()
    content: Content = "empty"
    heartbeat_s: int | None = None
    timeout_s: int | None = None
    most: int = 1
    end: str | None = None
    error: str | None = None

    @property
    def recipient(self) -> str:
        """Give the name under which its notices wait in the outbox."""
        return f"Subscription/{self.id}"


def read_subscription(resource: Resource) -> Subscription:
    """Read a Subscription; raise GW-6301 with the place of what cannot be done."""
    channel = resource["channel"]
    if channel.get("type") != "rest-hook":
        raise _refused("channel.type", "rest-hook")
    if not channel.get("endpoint"):
        raise _refused("channel.endpoint", "https://…")
    criteria = resource["criteria"]
    is_topic = "?" not in criteria and "://" in criteria
    mime = channel.get("payload")
    if mime is not None and mime.partition(";")[0].strip() not in MIME_TYPES:
        raise _refused("channel.payload", ", ".join(MIME_TYPES))
    timeout_s = _number(channel, "backport-timeout", LONGEST_TIMEOUT_S)
    most = _number(channel, "backport-max-count", MOST_EVENTS) or DEFAULT_EVENTS
    return Subscription(
        resource["id"],
        resource["status"],
        criteria,
        channel["endpoint"],
        tuple(_headers(channel)),
        mime,
        is_topic,
        tuple(_filters(resource)),
        _content(channel),
        _number(channel, "backport-heartbeat-period", None),
        timeout_s,
        most if is_topic else 1,
        resource.get("end"),
        resource.get("error"),
    )


def _headers(channel: Resource) -> Iterator[tuple[str, str]]:
    for line in channel.get("header") or ():
        match = _HEADER.fullmatch(line)
        if match is None or match[1].lower() in _OWN_HEADERS:
            raise _refused("channel.header", "Name: value")
        yield match[1], match[2].strip()


def _filters(resource: Resource) -> Iterator[str]:
    for text in _values(resource.get("_criteria"), "backport-filter-criteria"):
        if not isinstance(text, str) or "?" not in text:
            raise _refused("criteria.extension", "Type?parameter=value")
        yield text


def _content(channel: Resource) -> Content:
    given = next(iter(_values(channel.get("_payload"), "backport-payload-content")), None)
    if given is None:
        return "id-only" if channel.get("payload") else "empty"
    for content in CONTENTS:
        if content == given:
            return content
    raise _refused("channel.payload.extension", ", ".join(CONTENTS))


def _number(channel: Resource, name: str, limit: int | None) -> int | None:
    given = next(iter(_values(channel, name)), None)
    if given is None:
        return None
    if not isinstance(given, int) or given < 1:
        raise _refused("channel.extension", "1…")
    return given if limit is None else min(given, limit)


def _values(element: Json, name: str) -> list[Json]:
    """Give the values of an element's extension of the guide."""
    return [
        value
        for one in (element or {}).get("extension") or ()
        if one.get("url") == f"{GUIDE}/{name}"
        for key, value in one.items()
        if key.startswith("value")
    ]


def _refused(element: str, allowed: str) -> GatewayError:
    return GatewayError(
        "GW-6301", element=element, allowed=allowed, expression=f"Subscription.{element}"
    )
