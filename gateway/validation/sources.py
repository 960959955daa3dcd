"""Where findings stand in the text that was checked: line and column of JSON, line of XML."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from lxml import etree

from gateway.fhir import json_places
from gateway.records import Issue, Place

LARGEST_BYTES = 16_000_000
"""Beyond this findings stay without places: reading a text token by token takes its time."""

_CHOICE = re.compile(r"(\w+)\.ofType\((\w)(\w*)\)")
_FIRST = re.compile(r"\[0\]")
_SIBLING = re.compile(r"(^|\.)_")


def located(
    raw: bytes, issues: Sequence[Issue], within: str = "", largest_bytes: int = LARGEST_BYTES
) -> list[Issue]:
    """Give the findings with the places of their expressions, or of the nearest element around.

    ``within`` is the member of ``raw`` that holds the resource (``parameter[0].resource``).
    Findings that have a place keep it; so do all when ``raw`` cannot be read.
    """
    wanted = {
        position: _steps(found.expression, within)
        for position, found in enumerate(issues)
        if found.place is None and found.expression
    }
    if not wanted or len(raw) > largest_bytes:
        return list(issues)
    paths = {".".join(steps[:n]) for steps in wanted.values() for n in range(len(steps) + 1)}
    places = _places(raw, paths)
    answered = list(issues)
    for position, steps in wanted.items():
        nearest = next(
            (places[path] for path in _upwards(steps) if path in places),
            None,
        )
        if nearest is not None:
            answered[position] = replace(
                issues[position], place=Place("", nearest.line, nearest.column)
            )
    return answered


def _steps(expression: str, within: str) -> list[str]:
    """Turn a FHIRPath of ours into the steps of a JSON path without its zeroes."""
    chosen = _CHOICE.sub(lambda match: match[1] + match[2].upper() + match[3], expression)
    inner = chosen.partition(".")[2]
    return [step for step in plain(f"{within}.{inner}").split(".") if step]


def plain(path: str) -> str:
    """Write a path as both texts know it: no ``[0]``, no underscore of a primitive's sibling."""
    return _SIBLING.sub(r"\1", _FIRST.sub("", path))


def _upwards(steps: list[str]) -> Iterable[str]:
    return (".".join(steps[:n]) for n in range(len(steps), -1, -1))


def _places(raw: bytes, paths: set[str]) -> dict[str, Place]:
    text = raw.removeprefix(b"\xef\xbb\xbf")
    if text.lstrip()[:1] == b"<":
        return _xml_places(raw, paths)
    return json_places.find_all(text, paths, plain)


def _xml_places(raw: bytes, paths: set[str]) -> dict[str, Place]:
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError):
        return {}
    found: dict[str, Place] = {}
    waiting: list[tuple[Any, str]] = [(root, "")]
    while waiting:
        node, path = waiting.pop()
        if path in paths:
            found.setdefault(path, Place(path, node.sourceline))
            waiting.extend(_members(node, path))
    return found


def _members(node: Any, path: str) -> list[tuple[Any, str]]:
    """Give child elements with their paths; a resource within an element adds no step."""
    counts: dict[str, int] = {}
    members: list[tuple[Any, str]] = []
    for child in node:
        if not isinstance(child.tag, str):
            continue
        name = etree.QName(child).localname
        if name[:1].isupper():
            members.extend(_members(child, path))
            continue
        number = counts[name] = counts.get(name, -1) + 1
        step = name if number == 0 else f"{name}[{number}]"
        members.append((child, f"{path}.{step}" if path else step))
    return members
