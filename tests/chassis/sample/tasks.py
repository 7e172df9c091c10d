"""A task of the sample's own: it works at a row until the row or its worker says that it is over."""

import time
from uuid import UUID

from django.db import connection

from chassis import work

TABLE = "CREATE TABLE IF NOT EXISTS sample_job (id uuid PRIMARY KEY, state text NOT NULL DEFAULT 'waits')"


def waiting() -> UUID | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM sample_job WHERE state = 'waits'")
        row = cursor.fetchone()
    return row[0] if row else None


@work.task(name="sample.work", waiting=waiting)
def do_work(row_id: UUID, is_stopping: work.IsStopping) -> None:
    if not change(row_id, "waits", "runs"):
        return
    while change(row_id, "runs", "runs"):
        if is_stopping():
            change(row_id, "runs", "waits")
            return
        time.sleep(0.05)


def change(row_id: UUID, before: str, after: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sample_job SET state = %s WHERE id = %s AND state = %s", [after, row_id, before]
        )
        return bool(cursor.rowcount == 1)
