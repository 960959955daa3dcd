"""What the demo shows in the terminal."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gateway.cli.demo.reports import Report

REFERENCE = re.compile(r"\b[A-Z][A-Za-z]+/[0-9a-f]{8}-[0-9a-f-]{27}\b")


class Screen:
    """Prints the story; a progress bar shows how far it is."""

    def __init__(self, link: Callable[[str], str | None], console: Console | None = None) -> None:
        """Print to the terminal, or as plain text where there is none.

        ``link`` gives the address of a page that shows a resource (``Type/id``).
        """
        self.console = console or Console(highlight=False)
        self.link = link

    @contextmanager
    def progress(self, total: int) -> Iterator[Progress]:
        """Show a progress bar around the story."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            progress.add_task("starting 启动", total=total)
            yield progress

    def report(self, report: Report) -> None:
        """Print one step: what came in, what it became, who received it, what was checked."""
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for label, lines in (
            ("in 收到", report.native),
            ("became 变成", report.became),
            ("received 送达", report.received),
        ):
            for index, line in enumerate(lines):
                table.add_row(label if index == 0 else "", self._linked(line))
        for text, is_held in report.checks:
            mark = Text("✓ ", "green") if is_held else Text("✗ ", "bold red")
            table.add_row("check 核对" if text == report.checks[0][0] else "", mark + Text(text))
        colour = "green" if report.is_held else "red"
        self.console.print(
            Panel(table, title=report.title, title_align="left", border_style=colour)
        )

    def _linked(self, line: str) -> Text:
        """Make the resource that a line names clickable in terminals that know links."""
        text = Text(line)
        found = REFERENCE.search(line)
        url = self.link(found[0]) if found else None
        if found and url:
            text.stylize(f"link {url}", found.start(), found.end())
        return text

    def say(self, *lines: str) -> None:
        """Print lines as they are."""
        for line in lines:
            self.console.print(line, soft_wrap=True)

    def links(self, links: Iterable[tuple[str, str]]) -> None:
        """Print links that open in a browser for ten minutes."""
        self.console.print("\n[bold]Open in a browser (ten minutes, read-only) 浏览器打开：[/bold]")
        for name, url in links:
            self.console.print(f"  {name}\n    {url}", soft_wrap=True)
