"""HTTP on one side, Exchange and Answer on the other."""

import gzip
from collections.abc import Callable, Mapping

from flask import Response, make_response, request
from werkzeug.datastructures import Headers
from werkzeug.http import http_date

from gateway.api.body import read_body
from gateway.api.exchange import Answer, Exchange, Pairs
from gateway.api.negotiation import Content, Format, answer_format, body_format
from gateway.api.parameters import pairs
from gateway.api.preconditions import from_headers
from gateway.edge import language, principal, server_url, services
from gateway.errors import GatewayError
from gateway.fhir import codec, xml
from gateway.records import Principal, Visibility
from gateway.telemetry import REQUESTS
from gateway.trail import trail_of

Interaction = Callable[..., Answer]
# Asks what everybody may know; sees no row.
NOBODY = Principal("", "", frozenset(), (), Visibility(0, "", types=frozenset()))
_JSON: Content = "json"
_FORM = "application/x-www-form-urlencoded"
_WORTH_ZIPPING = 1024
_BODIED = frozenset({"POST", "PUT", "PATCH"})


def view(interaction: Interaction, word: str) -> Callable[..., Response]:
    """Make the Flask view of an interaction; ``word`` is its name in the metrics."""

    def run(**path: str) -> Response:
        trail_of(request.environ).word = word
        asker = principal()  # Nothing of the request is read for somebody unknown.
        query = pairs(request.query_string)
        wanted = _format(dict(query))
        exchange = _exchange(asker, query)
        if "type_" in path:
            _demand_type(exchange, path["type_"])
        response = render(interaction(exchange, **path), wanted)
        REQUESTS.labels(word, response.status_code).inc()
        return response

    run.__name__ = word
    return run


def public_view(interaction: Interaction, word: str) -> Callable[..., Response]:
    """Make the Flask view of an interaction that needs no token, and knows more with one."""

    def run() -> Response:
        query = pairs(request.query_string)
        wanted = _format(dict(query))
        asker = principal() if "Authorization" in request.headers else NOBODY
        response = render(interaction(_exchange(asker, query)), wanted)
        REQUESTS.labels(word, response.status_code).inc()
        return response

    run.__name__ = word
    return run


def render(answer: Answer, wanted: Format) -> Response:
    """Write an Answer as HTTP; a HEAD or 304 has no body."""
    response = make_response()
    response.status_code = answer.status
    response.vary.update(("Accept", "Accept-Encoding", "Authorization"))
    response.headers["Cache-Control"] = "private, no-cache"
    if answer.version is not None:
        response.headers["ETag"] = f'W/"{answer.version}"'
    if answer.updated_utc is not None:
        response.headers["Last-Modified"] = http_date(answer.updated_utc)
    if answer.location:
        response.headers["Location"] = answer.location
    content = _content(answer, wanted)
    if content is not None and answer.status != 304:
        response.content_type = f"{wanted.content_type}; charset=utf-8"
        response.set_data(content)
        _zip(response)
    return response


def _content(answer: Answer, wanted: Format) -> bytes | None:
    if answer.body is not None and not wanted.is_pretty and not wanted.is_xml:
        return answer.body
    resource = answer.resource
    if answer.body is not None:
        resource = codec.decode_stored(answer.body)
    if resource is None:
        return None
    if wanted.is_xml:
        # Stored bodies stand in Bundles as they are; XML needs their content.
        content = xml.encode(codec.decode_stored(codec.encode(resource)))
        return xml.indented(content) if wanted.is_pretty else content
    return codec.encode_pretty(resource) if wanted.is_pretty else codec.encode(resource)


def _zip(response: Response) -> None:
    content = response.get_data()
    if len(content) >= _WORTH_ZIPPING and request.accept_encodings.quality("gzip") > 0:
        response.set_data(gzip.compress(content, compresslevel=4, mtime=0))
        response.headers["Content-Encoding"] = "gzip"


def _exchange(asker: Principal, query: Pairs) -> Exchange:
    body, content = b"", _JSON
    if request.method in _BODIED:
        body = read_body(services().settings.max_body_bytes)
        if request.mimetype == _FORM and _takes_form():
            query, body = query + pairs(body), b""
            trail_of(request.environ).query = "&".join(f"{name}={value}" for name, value in query)
        elif body and request.path.endswith("/_search"):
            # What was meant to narrow the search would be left out.
            given = request.headers.get("Content-Type", "-")[:80]
            raise GatewayError("GW-7006", given=given, offered=_FORM)
        elif body:
            is_patch = request.method == "PATCH"
            content = body_format(request.headers.get("Content-Type", ""), is_patch=is_patch)
    return Exchange(
        services(),
        asker,
        f"{server_url()}/fhir",
        language(),
        query,
        from_headers(request.headers),
        preferences(request.headers),
        body,
        content,
    )


def _takes_form() -> bool:
    return request.path.endswith("/_search") or "/$" in request.path


def preferences(headers: Headers) -> dict[str, str]:
    """Read the Prefer header (RFC 7240); the first mention of a preference counts."""
    found: dict[str, str] = {}
    for part in headers.get("Prefer", "").replace(";", ",").split(","):
        name, _, value = part.partition("=")
        if name.strip():
            found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def _format(query: Mapping[str, str]) -> Format:
    return answer_format(query.get("_format"), request.accept_mimetypes, query.get("_pretty"))


def _demand_type(exchange: Exchange, type_: str) -> None:
    if type_.startswith("$"):
        raise GatewayError("GW-7019", operation=type_[:64])
    if type_ not in exchange.services.definitions.resource_types:
        raise GatewayError("GW-7001", type=type_[:64])
