"""What a service holds, told line by line, so that `manage.py audit` can compare the services with each other.

Not to be taken for `chassis.audit`, the log of what staff did.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from chassis.events import audit_export as events

FORMAT: Final = 1
"""Raised when a reader of older exports would misread newer ones."""
_BATCH: Final = 2_000
"""Rows fetched at once: memory does not grow with what there is."""

Part = Callable[[], Iterable[str]]

_parts: dict[str, Part] = {}


def part(name: str) -> Callable[[Part], Part]:
    """Register a function that yields lines of the export, each a JSON object whose first member is `kind`.

    It runs in the export's transaction. Lines of one kind follow each other, in the order of their
    ids where the audit joins them by those.
    """

    def register(lines: Part) -> Part:
        if name in _parts:
            raise ValueError(f"the part {name} of the export is declared twice")
        _parts[name] = lines
        return lines

    return register


def export(write: Callable[[str], object]) -> int:
    """Write every line, without its end, of one moment of the database; return how many.

    The first line (`kind` is `service`) tells what the others are of, the last (`end`) how many there
    are, so that an export that was cut off is known by it. Opens its own transaction, which can write
    nothing, and must not run inside of another.
    """
    written = 0
    with _one_moment() as now:
        for line in _lines(now):
            write(line)
            written += 1
    write(json.dumps({"kind": "end", "lines": written}))
    return written + 1


def rows(statement: str, parameters: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Yield the one column of a statement's rows by a cursor of the server's; needs a transaction.

    Args:
        statement: a constant or made of constants; its column is text.
        parameters: its values.
    """
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while batch := cursor.fetchmany(_BATCH):
            for (line,) in batch:
                yield line


@contextmanager
def _one_moment() -> Iterator[datetime]:
    """Let all that is read be of one moment; give the database's time of it."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # Sorting a month's inbox may take longer than what a request may ask.
        cursor.execute("SET LOCAL statement_timeout = '10min'")
        cursor.execute("SELECT now()")
        ((now,),) = cursor.fetchall()
        yield now


def _lines(now: datetime) -> Iterator[str]:
    head = {"kind": "service", "format": FORMAT, "service": settings.SERVICE, "at": now.isoformat()}
    yield json.dumps({**head, **events.head(now)})
    for lines in _parts.values():
        yield from lines()
