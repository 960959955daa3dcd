"""Which source paths can be written, and how a path below an anchor is written whole.

``[*0]`` in a whole path stands for the repetition that the outermost ``each`` counts, ``[*1]`` for
that of the next one inside: a segment (``OBX[*0]-5``), a field (``PID-3[*0].1``), an element
(``/r/item[*0]/@no``), an item (``$.items[*0].no``) or a row (``rows()[*0]/NO``).
"""

import re
from collections.abc import Sequence

_COUNT = r"\[(?:\*\d|[1-9]\d*)\]"
_HL7 = re.compile(rf"[A-Z][A-Z0-9]{{2}}(?:{_COUNT})?(?:-\d+(?:{_COUNT})?(?:\.\d+){{0,2}})?\Z")
_HL7_RELATIVE = re.compile(r"(\.\d+)+\Z")
_NAME = r"(?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*"
_TEST = rf"(?:{_COUNT}|\[@{_NAME}='[^']*'(?: and @{_NAME}='[^']*')*\])"
_XML = re.compile(rf"(?:/{_NAME}{_TEST}*)+(?:/@{_NAME}|/text\(\))?\Z")
_JSON = re.compile(r"\$(?:\.[^\W\d][\w-]*(?:\[(?:\*\d|\d+)\])?)*\Z")
_EACH = re.compile(r"\[\*(\d)\]")


def is_writable(path: str, format_: str) -> bool:
    """Say whether a whole path can be written."""
    if format_ == "rows":
        return bool(path) and ("(" not in path or path.startswith("rows()[*"))
    pattern = {"hl7v2": _HL7, "xml": _XML, "json": _JSON}.get(format_)
    return pattern is not None and pattern.match(path) is not None


def joined(anchor: str, path: str, format_: str) -> str | None:
    """Give the whole path of a path below an anchor; None when it cannot be written."""
    if path == ".":
        made: str | None = anchor or None
    else:
        made = _JOINERS[format_](anchor, path)
    is_rows = format_ == "rows" and made == "rows()"
    return made if made and (is_rows or is_writable(made, format_)) else None


def repeated(path: str, depth: int) -> str:
    """Mark the node that an ``each`` at a depth walks over."""
    path = path.removesuffix("[*]")
    return path if path.endswith("]") and _EACH.search(path[-4:]) else f"{path}[*{depth}]"


def shown(path: str) -> str:
    """Write a whole path as an author would."""
    return _EACH.sub("", path)


def filled(path: str, counts: Sequence[int], start: int = 1) -> str:
    """Put the repetitions (from 0) into a whole path; ``start`` is the first of the format."""

    def count(found: re.Match[str]) -> str:
        depth = int(found[1])
        return f"[{(counts[depth] if depth < len(counts) else 0) + start}]"

    return _EACH.sub(count, path)


def _row(anchor: str, path: str) -> str | None:
    name = path.removeprefix(".")
    return f"{anchor}/{name}" if anchor and name != "rows()" else name


def _hl7(anchor: str, path: str) -> str | None:
    if _HL7_RELATIVE.match(path):
        if not anchor:
            return None
        return anchor + path if "-" in anchor else f"{anchor}-{path[1:]}"
    head = anchor.partition("-")[0]
    is_own = head and path[:3] == head[:3] and path[3:4] in ("", "-")
    return head + path[3:] if is_own else path


def _xml(anchor: str, path: str) -> str | None:
    if path.startswith("/"):
        return path
    inner = path.removeprefix("./")
    return f"{anchor}/{inner}" if anchor else None


def _json(anchor: str, path: str) -> str | None:
    if path.startswith("$"):
        return path.removesuffix("[*]")
    inner = path.removeprefix("@").removeprefix(".").removesuffix("[*]")
    return f"{anchor or '$'}.{inner}" if inner else anchor


_JOINERS = {"rows": _row, "hl7v2": _hl7, "xml": _xml, "json": _json}
