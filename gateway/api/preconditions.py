"""Conditional requests: If-Match, If-None-Match, If-Modified-Since, If-None-Exist.

https://hl7.org/fhir/R4/http.html#concurrency, RFC 9110 section 13
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from werkzeug.datastructures import Headers

from gateway.errors import GatewayError
from gateway.records import Stored

_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_VERSION = re.compile(r'\s*(?:W/)?"([0-9]{1,18})"\s*', re.ASCII)


@dataclass(frozen=True)
class Preconditions:
    """The conditions of one request; ``if_match`` is what must be current, ``*`` any version."""

    if_match: int | Literal["*"] | None = None
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
    """Read the conditions of an HTTP request; raise GW-7012 for a version that is none."""
    return Preconditions(
        if_match=_version(headers.get("If-Match")),
        if_none_match=_tags(headers.get("If-None-Match", "")),
        if_modified_since=_date(headers.get("If-Modified-Since")),
        if_none_exist=headers.get("If-None-Exist") or None,
    )


def from_entry(request: Mapping[str, object]) -> Preconditions:
    """Read the conditions of a Bundle entry's request element."""
    texts = {key: value for key, value in request.items() if isinstance(value, str)}
    return Preconditions(
        if_match=_version(texts.get("ifMatch")),
        if_none_match=_tags(texts.get("ifNoneMatch", "")),
        if_none_exist=texts.get("ifNoneExist") or None,
    )


def _version(text: str | None) -> int | Literal["*"] | None:
    if text is None:
        return None
    if text.strip() == "*":
        return "*"
    if found := _VERSION.fullmatch(text):
        return int(found[1])
    raise GatewayError("GW-7012", header="If-Match")


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
