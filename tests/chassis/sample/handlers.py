"""Two consumers of a note: one keeps it, one fails when the note says so."""

from django.db import connection

from chassis.events import handles
from tests.chassis.sample import breaking
from tests.chassis.sample.events import NoteTaken

HELD = 1
"""Key of the advisory lock for which a note that begins so waits."""
TABLE = "CREATE TABLE IF NOT EXISTS sample_note (id bigserial PRIMARY KEY, text text NOT NULL)"


@handles(NoteTaken, consumer="sample.keep")
def keep_note(note: NoteTaken) -> str:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO sample_note (text) VALUES (%s)", [note.text])
        if note.text.startswith("slow"):
            cursor.execute("SELECT pg_sleep(1)")
        if note.text.startswith("held"):
            cursor.execute("SET LOCAL lock_timeout = 0")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [HELD])
        if note.text in breaking.WAYS:
            breaking.WAYS[note.text]()
    return f"kept {note.text}"


@handles(NoteTaken, consumer="sample.check")
def check_note(note: NoteTaken) -> str:
    if note.text.startswith("bad"):
        raise LookupError(note.text)
    return "checked"
