"""What an operator is told of the whole catalogue: promises that outlived their time, and what is wrong with stock."""

from typing import Final

from chassis.database import fetch

MOST_COUNTED: Final = 1_000
"""A figure stops counting here."""
_GRACE_SECONDS: Final = 300
"""So long after its time a reservation may still be on its way to be released: the order's event does it."""

# By the index of open reservations by age: whose time is over was made before.
_READ: Final = """
SELECT (SELECT count(*) FROM (
            SELECT FROM reservation WHERE status = 'reserved'
              AND created_at < clock_timestamp() - make_interval(secs => %(grace)s)
              AND expires_at < clock_timestamp() - make_interval(secs => %(grace)s)
            ORDER BY created_at LIMIT %(most)s
        ) AS rows),
       (SELECT count(*) FROM (
            SELECT FROM alert WHERE kind = 'ledger_mismatch' AND cleared_at IS NULL LIMIT %(most)s
        ) AS rows)
"""

HELP: Final = {
    "souk_reservations_overdue": f"Reservations that hold stock {_GRACE_SECONDS} s after their time ({MOST_COUNTED} at most).",
    "souk_stock_ledger_wrong": f"Products whose stock is not what its ledger sums up to, looked at each hour ({MOST_COUNTED} at most).",
}


def read() -> dict[str, float]:
    """Return the figures by name; one query."""
    limits = {"grace": _GRACE_SECONDS, "most": MOST_COUNTED}
    ((overdue, wrong),) = fetch(_READ, limits, prepare=True)
    return dict(zip(HELP, (overdue, wrong), strict=True))
