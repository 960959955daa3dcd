"""The option ``view`` of a channel: which view, how far to look back, where answers go."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.errors import GatewayError

_KNOWN = {
    "url", "password_file", "password_env", "table", "schema", "watermark", "watermark_format",
    "overlap", "columns", "charset", "every_s", "answers",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answers:
    """The intermediate table (中间表) that is told how each row ended; ``key`` names the row."""

    url: URL
    table: str
    schema: str | None
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """One view.

    ``watermark`` is a column that only grows for what is new or changed: a time, a number, or a
    text that sorts by time (``watermark_format`` in the letters of strptime lets it look back).
    ``overlap`` is how far a poll looks back behind the greatest one read, in seconds for times and
    units for numbers: as long as the longest transaction of the system may take.
    """

    url: URL
    table: str
    watermark: str
    schema: str | None = None
    watermark_format: str | None = None
    overlap: float = 300.0
    columns: tuple[str, ...] = ()
    charset: str = "utf-8"
    every_s: float = 30.0
    answers: Answers | None = None


def view_options(told: Mapping[str, Any]) -> ViewOptions:
    """Read the option; raise GW-1041 with the name that is wrong."""
    if not isinstance(told, Mapping):
        raise _wrong("{…}")
    for name in told:
        if name not in _KNOWN:
            raise _wrong(f"{name}?")
    for name in ("url", "table", "watermark"):
        if not isinstance(told.get(name), str) or not told[name]:
            raise _wrong(name)
    try:
        "".encode(told.get("charset", "utf-8"))
        overlap, every_s = float(told.get("overlap", 300)), float(told.get("every_s", 30))
    except (LookupError, TypeError, ValueError) as err:
        raise _wrong("charset, overlap, every_s") from err
    url = database_url(told, _wrong)
    return ViewOptions(
        url,
        told["table"],
        told["watermark"],
        told.get("schema"),
        told.get("watermark_format"),
        max(overlap, 0.0),
        tuple(map(str, told.get("columns", ()))),
        told.get("charset", "utf-8"),
        max(every_s, 0.05),
        _answers(told, url),
    )


def _answers(told: Mapping[str, Any], url: URL) -> Answers | None:
    answers = told.get("answers")
    if answers is None:
        return None
    if not isinstance(answers, Mapping) or not isinstance(answers.get("table"), str):
        raise _wrong("answers: table")
    key = answers.get("key", ())
    if not isinstance(key, list) or not key:
        raise _wrong("answers: key")
    own = database_url(answers, _wrong) if "url" in answers else url
    return Answers(own, answers["table"], answers.get("schema"), tuple(map(str, key)))


def database_url(told: Mapping[str, Any], wrong: Callable[[str], GatewayError]) -> URL:
    """Give the address with its password, which stands in a file or a variable, never in here.

    Raises what ``wrong`` makes of the name that is not right.
    """
    try:
        url = make_url(told.get("url", ""))
    except ArgumentError as err:
        raise wrong("url") from err
    if url.password is not None:
        raise wrong("url: password → password_file, password_env")
    if "password_file" in told:
        try:
            return url.set(password=Path(told["password_file"]).read_text("utf-8").strip())
        except (OSError, UnicodeDecodeError) as err:
            raise wrong("password_file") from err
    if "password_env" in told:
        if told["password_env"] not in os.environ:
            raise wrong("password_env")
        return url.set(password=os.environ[told["password_env"]])
    return url


def _wrong(problem: str) -> GatewayError:
    return GatewayError("GW-1041", carrier="view", problem=problem)
