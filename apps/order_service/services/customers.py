"""The view of auth's users."""

from typing import Final
from uuid import UUID

from django.db import connection

_REMEMBER: Final = """
INSERT INTO customer AS known (user_id, email, name, sequence)
VALUES (%(user_id)s, %(email)s, %(name)s, %(sequence)s)
ON CONFLICT (user_id) DO UPDATE SET
    email = excluded.email, name = excluded.name, sequence = excluded.sequence
WHERE excluded.sequence > known.sequence
"""


def remember_customer(*, user_id: UUID, email: str, name: str, sequence: int) -> bool:
    """Keep who to write to; return whether it was news.

    Idempotent; events may come in any order. Needs no transaction.

    Args:
        user_id: whose address it is.
        email: the whole address.
        name: may be empty.
        sequence: the event's number among those of the user; an older one changes nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _REMEMBER, {"user_id": user_id, "email": email, "name": name, "sequence": sequence}
        )
        return bool(cursor.rowcount)
