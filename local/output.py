"""What the commands print: live progress in a terminal, plain lines in a pipe."""

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.status import Status
from rich.table import Table

from local.plan import Plan, Process


class Output:
    """Standard output of one command."""

    def __init__(self) -> None:
        """Look at standard output once."""
        self._console = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
        self.is_terminal = self._console.is_terminal

    def say(self, text: str = "", style: str | None = None) -> None:
        """Print a line at once."""
        self._console.print(text, style=style)
        sys.stdout.flush()

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator["Step"]:
        """Show that something is under way, and how long it took when it is done."""
        started = time.monotonic()
        with contextlib.ExitStack() as stack:
            status = stack.enter_context(self._console.status(title)) if self.is_terminal else None
            yield Step(title, status)
        self.done(title, time.monotonic() - started)

    def done(self, title: str, seconds: float) -> None:
        """Print that something is done."""
        self.say(f"  {title:<44} {seconds:6.1f} s", style="green" if self.is_terminal else None)

    def pairs(self, lines: Sequence[tuple[str, str]]) -> None:
        """Print names and values, aligned."""
        for name, value in lines:
            self.say(f"  {name:<10} {value}")

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table: with lines in a terminal, aligned columns in a pipe."""
        if not self.is_terminal:
            widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
            for row in (headings, *rows):
                cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                self.say("  ".join(cells).rstrip())
            return
        table = Table(box=box.ROUNDED, header_style="bold")
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self._console.print(table, soft_wrap=False)


class Step:
    """Something under way."""

    def __init__(self, title: str, status: Status | None) -> None:
        """Keep the line that a terminal shows."""
        self._title = title
        self._status = status

    def update(self, detail: str) -> None:
        """Tell what it is at now; a pipe is not told."""
        if self._status is not None:
            self._status.update(f"{self._title}: {detail}")


def print_welcome(output: Output, plan: Plan) -> None:
    """Print where everything is and, of a seeded platform, who may log in."""
    lines = [
        ("Gateway", plan.public_url),
        ("Products", f"{plan.public_url}/api/v1/catalog/products"),
        ("API", f"{plan.public_url}/docs"),
        ("Admin", f"{plan.public_url}/admin/catalog/"),
        *demo_users(plan),
        ("Home", str(plan.home.path)),
    ]
    output.say()
    output.pairs(lines)
    output.say()


def demo_users(plan: Plan) -> list[tuple[str, str]]:
    """Return who may log in, as a name and a value per line; nothing where nobody was seeded."""
    if not plan.home.seeded.exists():
        return []
    emails = ", ".join(f"{role}@souk.example" for role in ("customer", "staff", "admin"))
    return [("Log in as", emails), ("Password", plan.secrets["demo_password"])]


def describe(processes: Sequence[Process], limit: int = 4) -> str:
    """Return the names of processes, the first few of them."""
    names = [process.title for process in processes]
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest
