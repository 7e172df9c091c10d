"""What came of calls to other services about an order, for the order's timeline."""

import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from chassis import context, database

RESERVE: Final = "reserve"
RELEASE: Final = "release"
UNAVAILABLE: Final = "unavailable"
"""The outcome of a call without a usable answer, whichever it was."""

_CATALOG: Final = "catalog"

_RECORD: Final = """
INSERT INTO order_call AS kept
    (order_id, service, operation, outcome, times, milliseconds, first_at, last_at, request_id)
VALUES (%(order_id)s, %(service)s, %(operation)s, %(outcome)s, 1, %(milliseconds)s,
        clock_timestamp(), clock_timestamp(), %(request_id)s)
ON CONFLICT (order_id, service, operation, outcome) DO UPDATE SET
    times = kept.times + 1,
    milliseconds = excluded.milliseconds,
    last_at = greatest(kept.last_at, excluded.last_at)
RETURNING times
"""


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """A call to catalog that has ended, and how long it took."""

    order_id: UUID
    operation: str
    outcome: str
    milliseconds: int


def ended(order_id: UUID, operation: str, outcome: str, *, started: float) -> RemoteCall:
    """Return a call that has just ended.

    Args:
        order_id: what it was about; the order exists.
        operation: what was asked for.
        outcome: a code.
        started: a `time.monotonic()` value.
    """
    milliseconds = round((time.monotonic() - started) * 1000)
    return RemoteCall(order_id, operation, outcome, milliseconds)


def record(call: RemoteCall) -> None:
    """Keep that a call was made. Needs a transaction, the one that writes what came of it.

    Calls of the same outcome are one row that counts them, so that an outage of an hour leaves as
    few as one of a second; it keeps the request that made the first.
    """
    parameters = {
        "order_id": call.order_id,
        "service": _CATALOG,
        "operation": call.operation,
        "outcome": call.outcome,
        "milliseconds": call.milliseconds,
        "request_id": context.current().request_id,
    }
    database.fetch(_RECORD, parameters, prepare=True)
