"""The plain read by id, answered before Flask: policy and answer are the same, the way is shorter.

A request that asks for anything more (parameters, conditions, another format, another origin) or
that would be refused goes on to Flask, whose view answers it.
"""

import gzip
import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from werkzeug.http import http_date

from gateway.access import demand
from gateway.edge import FHIR_JSON, SAFE_HEADERS, Services, transport_headers
from gateway.errors import GatewayError
from gateway.fhir.conformance import TYPES
from gateway.records import Stored
from gateway.telemetry import REQUESTS
from gateway.trail import trail_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PLACE = re.compile(r"/fhir/([A-Z][A-Za-z]{1,63})/([A-Za-z0-9.-]{1,64})", re.ASCII)
_PLAIN = frozenset({"", "*/*", FHIR_JSON})
_MORE = frozenset(
    {
        *("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_NONE_EXIST"),
        *("HTTP_PREFER", "HTTP_ORIGIN", "HTTP_TRANSFER_ENCODING"),
        "HTTP_X_PURPOSE_OF_USE",
    }
)
_EMPTY = frozenset({None, "", "0"})
_WORTH_ZIPPING = 1024
_ALWAYS = [
    ("Content-Type", f"{FHIR_JSON}; charset=utf-8"),
    ("Vary", "Accept, Accept-Encoding, Authorization"),
    ("Cache-Control", "private, no-cache"),
    *SAFE_HEADERS,
]


class DirectReads:
    """A WSGI application in front of another."""

    def __init__(self, behind: "WSGIApplication", services: Services) -> None:
        self._behind, self._services = behind, services
        settings = services.settings
        # Both mark every answer, which the views behind see to.
        self._is_off = settings.sandbox or bool(settings.cors_origins)
        self._always = [*_ALWAYS, *transport_headers(settings)]
        self._read = REQUESTS.labels("read", 200)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a plain read that may be answered; hand on everything else."""
        place = None
        if environ["REQUEST_METHOD"] == "GET" and not self._is_off and _is_plain(environ):
            place = _PLACE.fullmatch(environ["PATH_INFO"])
        stored = self._stored(environ, place[1], place[2]) if place is not None else None
        if stored is None:
            return self._behind(environ, start_response)
        body = stored.body
        headers = [
            *self._always,
            ("ETag", f'W/"{stored.version}"'),
            ("Last-Modified", _http_date(stored.updated_utc)),
        ]
        if len(body) >= _WORTH_ZIPPING and "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
            body = gzip.compress(body, compresslevel=4, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        headers.append(("Content-Length", str(len(body))))
        self._read.inc()
        start_response("200 OK", headers)
        return [body]

    def _stored(self, environ: "WSGIEnvironment", type_: str, id_: str) -> Stored | None:
        """Give the version that the asker may read; None for what the view has to answer."""
        services = self._services
        if type_ in TYPES or type_ not in services.definitions.resource_types:
            return None
        try:
            trail = trail_of(environ)
            asker = services.access.authenticate(environ.get("HTTP_AUTHORIZATION"))
            trail.client, trail.word = asker.client, "read"
            eyes = trail.look(asker.visibility)
            demand(asker, type_, "read")
            stored = services.store.read(eyes, type_, id_)
        except GatewayError:
            return None
        return None if stored is None or stored.is_deleted else stored


@lru_cache(maxsize=4_096)
def _http_date(moment: datetime) -> str:
    return http_date(moment)


def _is_plain(environ: "WSGIEnvironment") -> bool:
    """Say whether nothing is asked beyond the resource itself, as JSON."""
    encodings = environ.get("HTTP_ACCEPT_ENCODING", "")
    return (
        not environ.get("QUERY_STRING")
        and not environ.get("SCRIPT_NAME")
        and environ.get("CONTENT_LENGTH") in _EMPTY
        and environ.get("HTTP_ACCEPT", "") in _PLAIN
        and ";" not in encodings
        and "*" not in encodings
        and _MORE.isdisjoint(environ)
    )
