"""SearchParameters that clients write: refused before the commit when they could not be answered.

What passes takes effect online (``gateway.store.parameters``); the criteria given back make the
commit look again, so that of two at once under one name only one is taken.
"""

from collections.abc import Sequence
from typing import Protocol

from gateway.fhir import codec
from gateway.fhir.search_model import Query
from gateway.join import Draft
from gateway.records import Criteria, Resource, Visibility
from gateway.store import Page
from gateway.store.parameters import MAX_ADDED, TYPE, is_in_force, read_definition, refused


class Definitions(Protocol):
    """The part of the store that looks for other definitions."""

    def query(self, shard: int, types: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Query:
        """Parse a search."""

    def search(self, visibility: Visibility, query: Query) -> Page:
        """Give one page."""


def demand_answerable(
    store: Definitions, shard: int, drafts: Sequence[Draft]
) -> tuple[Criteria, ...]:
    """Give what the commit must find unchanged; raise GW-7111 with the reason of a refusal."""
    written = {
        draft.id: draft.resource
        for draft in drafts
        if draft.type == TYPE and draft.resource and draft.is_changed
    }
    asked = [one for one in written.values() if is_in_force(one)]
    if not asked:
        return ()
    everything = Visibility(shard, "", sees_all=True)
    criteria = (("status", "active"), ("_count", "1000"))
    page = store.search(everything, store.query(shard, (TYPE,), criteria))
    others = [codec.decode_stored(one.body) for one in page.matches if one.id not in written]
    for one in asked:
        read_definition(one)
        for other in (*others, *(two for two in asked if two is not one)):
            _demand_apart(one, other)
    if len(others) + len(asked) > MAX_ADDED:
        limit = str(MAX_ADDED)
        raise refused(asked[0]["code"], f"已达上限 {limit} 个", f"there are {limit} already")
    return (Criteria(TYPE, criteria, everything, tuple(one.id for one in page.matches)),)


def _demand_apart(one: Resource, other: Resource) -> None:
    if one["url"] == other.get("url"):
        raise refused(one["code"], "已有相同 url 的参数", "its url is another's already")
    if one["code"] == other.get("code") and set(one["base"]) & set(other.get("base", ())):
        raise refused(one["code"], "已有同名参数", "another has its code already")
