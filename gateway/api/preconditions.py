"""Conditional requests: If-Match, If-None-Match, If-Modified-Since, If-None-Exist.

https://hl7.org/fhir/R4/http.html#concurrency, RFC 9110 section 13
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from werkzeug.datastructures import Headers

from gateway.errors import GatewayError
from gateway.records import Stored

_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_TAGS = re.compile(r'\s*(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*\s*')


@dataclass(frozen=True)
class Preconditions:
    """The conditions of one request; one of ``if_match`` must be current, ``*`` is any version.

    Versions are compared as texts: a tag that is none of ours is never current.
    """

    if_match: tuple[str, ...] = ()
    if_none_match: tuple[str, ...] = ()
    if_modified_since: datetime | None = None
    if_none_exist: str | None = None

    def is_unmodified(self, stored: Stored) -> bool:
        """Say whether the client holds this version already, so that 304 is the answer."""
        if self.if_none_match:
            return "*" in self.if_none_match or str(stored.version) in self.if_none_match
        if self.if_modified_since is not None:
            # The header counts whole seconds; who needs more precision sends the ETag.
            return stored.updated_utc.replace(microsecond=0) <= self.if_modified_since
        return False


def from_headers(headers: Headers) -> Preconditions:
    """Read the conditions of an HTTP request; raise GW-7012 for an If-Match without a tag."""
    return Preconditions(
        if_match=_demanded(headers.get("If-Match")),
        if_none_match=_tags(headers.get("If-None-Match", "")),
        if_modified_since=_date(headers.get("If-Modified-Since")),
        if_none_exist=headers.get("If-None-Exist"),
    )


def from_entry(request: Mapping[str, object]) -> Preconditions:
    """Read the conditions of a Bundle entry's request element."""
    texts = {key: value for key, value in request.items() if isinstance(value, str)}
    return Preconditions(
        if_match=_demanded(texts.get("ifMatch")),
        if_none_match=_tags(texts.get("ifNoneMatch", "")),
        if_none_exist=texts.get("ifNoneExist"),
    )


def _demanded(text: str | None) -> tuple[str, ...]:
    """A condition that was overlooked would overwrite what somebody else changed."""
    if text is not None and text.strip() != "*" and not _TAGS.fullmatch(text):
        raise GatewayError("GW-7012", header="If-Match")
    return _tags(text or "")


def _tags(text: str) -> tuple[str, ...]:
    if text.strip() == "*":
        return ("*",)
    return tuple(_TAG.findall(text))


def _date(text: str | None) -> datetime | None:
    """RFC 9110: a date that cannot be read is ignored."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
