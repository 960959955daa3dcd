"""Whose record it is, where one channel serves several members: its organisation code decides.

The option ``members`` of such a channel: ``path`` names the code in the record (``namespaces`` its
prefixes, in XML), ``allowed`` the members that the channel may speak for, ``codes`` says which
codes of the sender's own mean which member. Besides those, a member is known by its credit code,
by the organisation code within it, and by its id. Nothing is guessed: a record without a code, or
with one that leads to no allowed member, is parked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol

from gateway.errors import GatewayError
from gateway.formats import DIALECTS
from gateway.records import Channel, Format, Parsed, PathError, Selector


class Known(Protocol):
    """A member as the registry knows it."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def uscc(self) -> str | None:
        """Its credit code."""


def of_member(
    channel: Channel, parsed: Parsed, members: Callable[[int], Sequence[Known]]
) -> Channel:
    """Give the channel as the record's member has it.

    Raises GW-1030 (no code in the record), GW-1031 (of no allowed member), GW-1032 (the option
    itself is wrong).
    """
    option = channel.options.get("members")
    if option is None:
        return channel
    path, allowed = _demanded(option, channel)
    namespaces = tuple(sorted(option.get("namespaces", {}).items()))
    found = _selector(channel.format, path, namespaces, channel.id)(parsed.root, parsed.root)
    node = next((one for one in found if one.text), None)
    if node is None or node.text is None:
        raise GatewayError("GW-1030", where=parsed.root.place, path=path)
    ids = _ids(option.get("codes", {}), members(channel.shard))
    member = ids.get(node.text.strip().upper())
    if member not in allowed:
        raise GatewayError("GW-1031", where=node.place, channel=channel.id)
    return replace(channel, member=member)


def _demanded(option: Any, channel: Channel) -> tuple[str, frozenset[str]]:
    if isinstance(option, Mapping):
        path, allowed, codes = option.get("path"), option.get("allowed"), option.get("codes", {})
        if isinstance(path, str) and isinstance(allowed, list) and isinstance(codes, Mapping):
            return path, frozenset(map(str, allowed))
    raise GatewayError("GW-1032", channel=channel.id)


@lru_cache(maxsize=256)
def _selector(
    format_: Format, path: str, namespaces: tuple[tuple[str, str], ...], channel: str
) -> Selector:
    try:
        return DIALECTS[format_].compile(path, dict(namespaces))
    except (PathError, KeyError) as err:
        raise GatewayError("GW-1032", channel=channel) from err


def _ids(codes: Mapping[str, Any], members: Sequence[Known]) -> dict[str, str]:
    """Give every code by which a member may be named; the sender's own codes come first."""
    known: dict[str, str] = {}
    for one in members:
        known[one.id.upper()] = one.id
        if one.uscc:
            known[one.uscc.upper()] = known[one.uscc[8:17].upper()] = one.id
    return known | {str(code).strip().upper(): str(id_) for code, id_ in codes.items()}
