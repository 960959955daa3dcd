"""The home page, and the page of one resource opened by a signed link."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, render_template, request

from gateway import __version__
from gateway.edge import language, server_url, services
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.records import Json, Resource
from gateway.trail import trail_of

CONSOLE = Blueprint("console", __name__, template_folder="templates")
# Pages load nothing: no script, no picture, no other address.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@CONSOLE.get("/")
def home() -> Response:
    """Show what is served here and where."""
    page = render_template(
        "home.html",
        language=language(),
        version=__version__,
        server=server_url(),
        is_sandbox=services().settings.sandbox,
    )
    return _page(page)


@CONSOLE.get("/view/<token>")
def resource(token: str) -> Response:
    """Show the resource of a signed link as its member sees it; raise GW-8006, GW-8014."""
    settings = services().settings
    if not (settings.demo_links and settings.is_loopback):
        raise GatewayError("GW-8014")
    link = services().access.verify_link(token)
    trail = trail_of(request.environ)
    trail.word = "view"
    viewer = trail.look(services().access.viewer(link.shard, link.member))
    stored = services().store.read(viewer, link.type, link.id)
    if stored is None or stored.is_deleted:
        raise GatewayError("GW-7002", type=link.type)
    content: Resource = codec.decode_stored(stored.body)
    page = render_template(
        "resource.html",
        language=language(),
        title=f"{link.type}/{link.id}",
        member=link.member,
        version=stored.version,
        updated=stored.updated_utc.astimezone(ZoneInfo(settings.zone)).isoformat(" ", "seconds"),
        lines=list(lines(content)),
        source=codec.encode_pretty(content).decode(),
    )
    return _page(page)


@CONSOLE.errorhandler(GatewayError)
def refused(error: GatewayError) -> Response:
    """Show a refusal as a page."""
    trail_of(request.environ).error = error.number
    text = error.text_en if language() == "en" else error.text_zh
    page = render_template(
        "refusal.html", language=language(), number=error.number, text=text, path=request.path
    )
    response = _page(page)
    response.status_code = error.http
    return response


def lines(value: Json, name: str = "", depth: int = 0) -> Iterator[tuple[int, str, str]]:
    """Flatten content into (depth, name, text) rows in its own order, for reading."""
    if isinstance(value, dict):
        if name:
            yield depth, name, ""
        for key, member in value.items():
            yield from lines(member, key, depth + 1 if name else depth)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            spot = f"{name}[{index}]" if len(value) > 1 else name
            yield from lines(member, spot, depth)
    else:
        text = {True: "true", False: "false", None: ""}.get(value) if _is_word(value) else None
        yield depth, name, str(value) if text is None else text


def _is_word(value: Json) -> bool:
    return value is None or isinstance(value, bool)


def _page(text: str) -> Response:
    response = make_response(text)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
