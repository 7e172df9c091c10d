"""The file's good rows, kept in a temporary table of the session until they are applied.

So Python holds a few of them at a time however many there are, and the last row of a sku is known before
the first one is written.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from django.db import connection, transaction

from apps.catalog_service.services.importing.rows import Row

_CREATE: Final = """
CREATE TEMPORARY TABLE import_row (
    row bigint, sku text, name text, price numeric(12, 2), category text, description text, status text,
    image_url text, slug text, attributes jsonb
)
"""
_DROP: Final = "DROP TABLE IF EXISTS pg_temp.import_row"
_COPY: Final = f"COPY import_row (row, {', '.join(Row._fields)}) FROM STDIN"
_DELETE_SUPERSEDED: Final = """
DELETE FROM import_row WHERE row IN (
    SELECT row FROM (
        SELECT row, row < max(row) OVER (PARTITION BY sku) AS superseded FROM import_row
    ) AS numbered
    WHERE superseded
)
"""
_INDEX: Final = (
    "CREATE UNIQUE INDEX ON import_row (sku)",
    "CREATE INDEX ON import_row (slug) WHERE slug IS NOT NULL",
    "ANALYZE import_row",
)


@contextlib.contextmanager
def staged() -> Iterator[None]:
    """Have the temporary table inside the block, empty at first."""
    with connection.cursor() as cursor:
        cursor.execute(_DROP)
        cursor.execute(_CREATE)
    try:
        yield
    finally:
        # A lost connection took the table along; what lost it is the error to show.
        with contextlib.suppress(Exception), connection.cursor() as cursor:
            cursor.execute(_DROP)


def stage(rows: Sequence[tuple[int, Row]]) -> None:
    """Add some rows, each with its number in the file."""
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for number, row in rows:
            copy.write_row((number, *row))


def settle() -> int:
    """Keep the last row of each sku, ready to be applied; return how many were superseded."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '30min'")
        cursor.execute(_DELETE_SUPERSEDED)
        superseded: int = cursor.rowcount
        for statement in _INDEX:
            cursor.execute(statement)
    return superseded


def count() -> int:
    """Return how many rows there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM import_row")
        return int(cursor.fetchone()[0])
