"""Running texts: one packed row per version, all its terms in it.

A term stands behind a mark that names shard, type and text (narrative or content), so that one
lookup reads the terms of that text alone. On PostgreSQL a row is a ``tsvector`` under a GIN index;
on SQLite it goes to FTS5, which keeps the terms and not the text, and is read through a view that
names its columns alike.
"""

import base64
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Dialect, Integer, MetaData, Table, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement, FromClause
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import BindParameter
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from gateway.fhir import codec
from gateway.fhir.search_text import content_terms, narrative_terms
from gateway.records import IndexRow
from gateway.store.keys import parameter_number

LONGEST = 1_000_000
"""Bytes of one version's terms: a ``tsvector`` ends at a mebibyte."""
_MARK_LENGTH = 5
_CODES = (("_text", narrative_terms), ("_content", content_terms))

# Beside the other tables: on SQLite it is a view, which no migration compares.
text_terms = Table(
    "text_terms",
    MetaData(),
    Column("shard", Integer, nullable=False),
    Column("pk", BigInteger, nullable=False),
    Column("terms", Text, nullable=False),
)
Asked = tuple[int, tuple[int, ...], tuple[tuple[str, bool], ...]]
"""Shard, numbers of the texts to look into, and the terms: True for any that begins so."""


@lru_cache(maxsize=65_536)
def mark(shard: int, param: int) -> str:
    """Give the five letters that stand before every term of one text of one type in a shard."""
    digest = hashlib.blake2b(f"{shard}.{param}".encode(), digest_size=4).digest()
    return base64.b32encode(digest).decode()[:_MARK_LENGTH].lower()


def packed(shard: int, rows: Iterable[IndexRow]) -> str | None:
    """Join the terms of a version's texts, each behind its mark; None when there are none.

    A mark alone says that there is such a text.
    """
    parts = [_marked(mark(shard, parameter_number(row.parameter)), row.values) for row in rows]
    if not parts:
        return None
    text = " ".join(parts)
    if len(text) * 4 > LONGEST and len(text.encode()) > LONGEST:
        # The first in order are kept, so that a purge finds the same again.
        kept = b" ".join(sorted(text.encode().split()))[:LONGEST]
        return kept.rpartition(b" ")[0].decode()
    return text


def packed_again(shard: int, type_: str, body: bytes) -> str | None:
    """Join the terms of a stored version, as they were when it was written."""
    resource = codec.decode_stored(body)
    rows = (
        IndexRow("text", f"{type_}.{code}", tuple(terms))
        for code, read in _CODES
        if (terms := read(resource))
    )
    return packed(shard, rows)


def _marked(before: str, terms: Iterable[str]) -> str:
    sign = f" {before}"
    return f"{before}{sign}{sign.join(terms)}"


# ---------------------------------------------------------------- asking


class _Question(TypeDecorator[str]):
    """The terms asked for, in the language of the engine's index."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Write every term under every mark: one of the marks, all of the terms."""
        shard, params, terms = value
        marks = [mark(shard, param) for param in params]
        quote, prefix, both, either = _SIGNS[dialect.name]
        told = [
            either.join(f"{quote}{one}{term}{quote}{prefix if is_start else ''}" for one in marks)
            for term, is_start in terms or (("", False),)
        ]
        return both.join(f"({one})" for one in told)


_SIGNS = {"sqlite": ('"', " *", " AND ", " OR "), "postgresql": ("'", ":*", " & ", " | ")}


class _Matches(FunctionElement[bool]):
    """The condition that a row of ``text_terms`` answers a question."""

    type = Boolean()
    inherit_cache = True
    name = "text_matches"

    def self_group(self, against: object = None) -> "_Matches":  # noqa: ARG002
        """Stand as it is: FTS5 finds nothing through a comparison with true."""
        return self


@compiles(_Matches, "sqlite")
def _match_sqlite(element: _Matches, compiler: SQLCompiler, **kw: Any) -> str:
    terms, _, _, question = element.clauses
    return f"{compiler.process(terms, **kw)} MATCH {compiler.process(question, **kw)}"


@compiles(_Matches, "postgresql")
def _match_postgres(element: _Matches, compiler: SQLCompiler, **kw: Any) -> str:
    terms, column, shard, question = (compiler.process(one, **kw) for one in element.clauses)
    return f"({column} = {shard} AND {terms} @@ CAST({question} AS tsquery))"


def matches(i: FromClause, asked: Asked) -> ColumnElement[bool]:
    """Ask a row ``i`` of ``text_terms`` for all of the terms; for any text when there are none."""
    question: BindParameter[Any] = BindParameter(None, asked, type_=_Question(), unique=True)
    return _Matches(i.c.terms, i.c.shard, asked[0], question)
