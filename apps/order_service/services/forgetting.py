"""What is deleted when its time is over."""

from datetime import datetime, timedelta
from typing import Final

from chassis import retention

ANSWERS_KEPT: Final = timedelta(days=7)
"""How long a repeated request gets the answer of the first; later it is a new one."""
CARTS_KEPT: Final = timedelta(days=90)
"""How long a cart that nobody changes is kept."""

# Requests are answered after they come: behind one that came too late, all did. One without an
# answer is somebody's to finish, however old.
_DELETE_ANSWERED: Final = """
WITH oldest AS (
    SELECT id, created_at, answered_at FROM idempotency_record
    WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
), deleted AS (
    DELETE FROM idempotency_record USING oldest
    WHERE idempotency_record.id = oldest.id AND oldest.answered_at < %(before)s
    RETURNING 1
)
SELECT (SELECT count(*) FROM deleted),
       CASE WHEN count(*) = %(limit)s AND bool_and(created_at < %(before)s) THEN max(id) END
FROM oldest
"""

# A cart is as young as its youngest item. An item is looked at as it is when it goes, not as it was
# when it was found: somebody may be changing it.
_DELETE_CARTS: Final = """
WITH oldest AS (
    SELECT id, added_at FROM cart_item WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
), deleted AS (
    DELETE FROM cart_item USING oldest
    WHERE cart_item.id = oldest.id AND cart_item.changed_at < %(before)s AND NOT EXISTS (
        SELECT 1 FROM cart_item AS other
        WHERE other.user_id = cart_item.user_id AND other.changed_at >= %(before)s
    )
    RETURNING 1
)
SELECT (SELECT count(*) FROM deleted),
       CASE WHEN count(*) = %(limit)s AND bool_and(added_at < %(before)s) THEN max(id) END
FROM oldest
"""


def delete_old_answers(*, now: datetime) -> int:
    """Delete answers that were given longer ago than ANSWERS_KEPT; return how many. Idempotent."""
    return retention.delete_in_batches(_DELETE_ANSWERED, before=now - ANSWERS_KEPT)


def delete_old_carts(*, now: datetime) -> int:
    """Delete carts that nobody changed for CARTS_KEPT; return how many items. Idempotent."""
    return retention.delete_in_batches(_DELETE_CARTS, before=now - CARTS_KEPT)
