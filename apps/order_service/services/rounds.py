"""Rounds of the timed jobs: the rows that are due, one after the other, each in one job's hands."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model

from apps.order_service import conf
from chassis.database import fetch

M = TypeVar("M", bound=Model)

# Taking a row moves its next turn, in one statement: two jobs at once take different rows, and one
# that fails goes to the back of the queue.
_TAKE: Final = """
UPDATE {table} SET {turn} = %(now)s::timestamptz + make_interval(secs => %(retry)s)
WHERE id = (
    SELECT id FROM {table} WHERE {waits} AND {turn} <= %(now)s
    ORDER BY {turn} LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


class Round(Generic[M]):
    """How a job takes the rows of one kind that are due, for ROUND_SECONDS at most."""

    def __init__(self, model: type[M], *, turn: str, waits: str, retry_seconds: int) -> None:
        """Keep which rows.

        Args:
            model: of the rows.
            turn: the column that tells when a row is due.
            waits: which rows wait, as a constant of SQL: that of the index on `turn`.
            retry_seconds: when a row that was taken is due again, unless its job ends its wait.
        """
        self._model: Any = model
        table = model._meta.db_table  # noqa: SLF001 -- Django documents it
        self._statement = _TAKE.format(table=table, turn=turn, waits=waits)
        self._retry_seconds = retry_seconds

    def due(self, now: datetime) -> Iterator[M]:
        """Yield the rows that are due at `now`, the longest waiting first; each query on demand."""
        ends = time.monotonic() + conf.ROUND_SECONDS
        while time.monotonic() < ends:
            parameters = {"now": now, "retry": self._retry_seconds}
            taken = fetch(self._statement, parameters, prepare=True)
            if not taken:
                return
            yield self._model.objects.get(id=taken[0][0])
