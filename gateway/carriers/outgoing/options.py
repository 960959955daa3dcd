"""The option ``push`` of a channel: which notices go out in its format, and by which way."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import URL

from gateway.carriers.view_options import database_url
from gateway.errors import GatewayError
from gateway.records import Channel
from gateway.subscriptions import NOTICED

CARRIER = "push"
_KNOWN = {"topics", "record", "template", "http", "soap", "mllp", "folder", "table"}
_OF_WAY = {
    "http": {"url", "content_type", "authorization_file", "authorization_env"},
    "soap": {"url", "action", "version", "authorization_file", "authorization_env"},
    "mllp": {"host", "port", "tls"},
    "folder": {"path"},
    "table": {"url", "password_file", "password_env", "table", "schema"},
}


@dataclass(frozen=True, slots=True)
class Post:
    """An HTTP address; with ``action`` a web service (``HIPMessageServer``) of a SOAP version."""

    url: str
    authorization: str | None = field(repr=False, default=None)
    content_type: str | None = None
    action: str | None = None
    version: str = "1.1"


@dataclass(frozen=True, slots=True)
class Port:
    """An MLLP listener, with or without TLS."""

    host: str
    port: int
    is_tls: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder from which the receiver takes each file away."""

    path: Path


@dataclass(frozen=True, slots=True)
class RowTable:
    """A table of the receiver's, in which it marks each row that it has taken."""

    url: URL
    table: str
    schema: str | None = None


Way = Post | Port | Folder | RowTable


@dataclass(frozen=True, slots=True)
class Push:
    """What a channel sends.

    ``record`` are parameters of a search (``_include``, ``_revinclude``) that bring what stands
    with the focus of a notice; ``template`` is the skeleton that the mapping fills.
    """

    topics: frozenset[str]
    record: tuple[tuple[str, str], ...]
    template: str | None
    way: Way


def push_of(channel: Channel) -> Push:
    """Read the option; raise GW-1041 with the name that is wrong."""
    told = channel.options.get(CARRIER)
    if not isinstance(told, Mapping):
        raise _wrong("{…}")
    _demand_known(told, _KNOWN)
    topics = told.get("topics")
    if not isinstance(topics, list) or not topics or not set(topics) <= NOTICED:
        raise _wrong(f"topics: {', '.join(sorted(NOTICED))}")
    template = told.get("template")
    if template is not None and not isinstance(template, str):
        raise _wrong("template")
    record = told.get("record", "")
    if not isinstance(record, str):
        raise _wrong("record")
    pairs = tuple(parse_qsl(record.replace("+", "%2B")))
    if any(name.partition(":")[0] not in {"_include", "_revinclude"} for name, _ in pairs):
        raise _wrong("record: _include, _revinclude")
    return Push(frozenset(topics), pairs, template, _way(told))


def _way(told: Mapping[str, Any]) -> Way:
    named = [name for name in _OF_WAY if name in told]
    if len(named) != 1 or not isinstance(told[named[0]], Mapping):
        raise _wrong(" | ".join(_OF_WAY))
    name, given = named[0], told[named[0]]
    _demand_known(given, _OF_WAY[name], f"{name}.")
    match name:
        case "mllp":
            port = given.get("port")
            if type(port) is not int or not 0 < port < 65536:
                raise _wrong("mllp.port")
            return Port(_text(given, "host", "mllp."), port, bool(given.get("tls")))
        case "folder":
            return Folder(Path(_text(given, "path", "folder.")).absolute())
        case "table":
            database = database_url(given, _wrong)
            return RowTable(database, _text(given, "table", "table."), given.get("schema"))
    url = _text(given, "url", f"{name}.")
    said = _authorization(given)
    if name == "http":
        return Post(url, said, given.get("content_type"))
    version = str(given.get("version", "1.1"))
    if version not in {"1.1", "1.2"}:
        raise _wrong("soap.version: 1.1, 1.2")
    return Post(url, said, None, _text(given, "action", "soap."), version)


def _authorization(given: Mapping[str, Any]) -> str | None:
    """Read the header's value, which stands in a file or a variable, never in here."""
    if "authorization_file" in given:
        try:
            return Path(given["authorization_file"]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as err:
            raise _wrong("authorization_file") from err
    if "authorization_env" in given:
        if given["authorization_env"] not in os.environ:
            raise _wrong("authorization_env")
        return os.environ[given["authorization_env"]]
    return None


def _text(given: Mapping[str, Any], name: str, where: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise _wrong(f"{where}{name}")
    return value


def _demand_known(given: Mapping[str, Any], known: set[str], where: str = "") -> None:
    for name in given:
        if name not in known:
            raise _wrong(f"{where}{name}?")


def _wrong(problem: str) -> GatewayError:
    return GatewayError("GW-1041", carrier=CARRIER, problem=problem)
