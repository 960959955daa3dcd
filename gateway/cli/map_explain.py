"""How a person reads a mapped record: source → rule → element, resource by resource."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.mapping.bundles import value_at
from gateway.mapping.writing import text_of
from gateway.records import Lineage, Mapped, Resource

_WIDE = 200
_KINDS = {
    "constant": "常量 constant",
    "profile-fixed": "规范固定 profile",
    "generated": "生成 generated",
    "default": "缺省 default",
}


def explain(bundle: Resource, rows: Sequence[Lineage], mapped: Sequence[Mapped]) -> None:
    """Print every element of a bundle beside the rule and the source that made it."""
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    for number, entry in enumerate(bundle["entry"]):
        resource = entry["resource"]
        start = f"/entry/{number}/resource/"
        console.print(Text(f"{resource['resourceType']}/{resource['id']}", style="bold"))
        table = Table(box=None, pad_edge=True, show_header=number == 0)
        for name in ("来源 source", "", "规则 rule", "", "元素 element", "值 value"):
            table.add_column(name, overflow="fold", no_wrap=name == "")
        for row in rows:
            if row.pointer.startswith(start):
                table.add_row(*_cells(bundle, row, start))
        console.print(table)
    unread = [str(place) for record in mapped for place in record.unread]
    if unread:
        console.print(Text(f"未读取 unread: {', '.join(unread)}", style="yellow"))


def _cells(bundle: Resource, row: Lineage, start: str) -> tuple[Text, ...]:
    places = ", ".join(str(place) for place in row.sources)
    source = Text(places) if places else Text(_KINDS.get(row.kind, row.kind), style="dim")
    rule = Text(row.rule)
    if row.code_row:
        rule.append(f" ({row.code_row})", style="cyan")
    element = ""
    for step in row.pointer[len(start) :].split("/"):
        element += f"[{step}]" if step.isdigit() else f".{step}"
    value = text_of(value_at(bundle, row.pointer))
    return source, Text("→"), rule, Text("→"), Text(element[1:]), Text(value)
