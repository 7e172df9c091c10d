"""One effect and one answer per Idempotency-Key.

The record of a key is written in the transaction that begins the work, and its answer in the one
that ends it, by whoever ends it: the request, or a job after the request's process has died. What
a caller gets is always what is stored.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from apps.order_service.errors import IdempotencyInProgress, IdempotencyKeyReused
from apps.order_service.models import IdempotencyRecord
from chassis import context, database, json, problems
from chassis.errors import PublicError

_METHOD: Final = "POST"
_RETRY_SECONDS: Final = 1

# A user's calls begin one after the other, so that none slips past a limit: the statements behind
# this one see what the call before has made.
_CLAIM: Final = """
WITH locked AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(hashtextextended('calls:' || %(user_id)s::uuid, 0))
)
INSERT INTO idempotency_record
    (user_id, route, key, body_hash, order_id, headers, body, request_id, traceparent, created_at)
SELECT %(user_id)s::uuid, %(route)s, %(key)s, %(body_hash)s, %(order_id)s::uuid, '{}', '',
       %(request_id)s, %(traceparent)s, clock_timestamp()
FROM locked
ON CONFLICT (user_id, route, key) DO NOTHING
RETURNING 1
"""
_STORED: Final = """
SELECT body_hash, status, headers, body FROM idempotency_record
WHERE user_id = %(user_id)s AND route = %(route)s AND key = %(key)s
"""
# The columns that identify the call are put in; there are three ways to name one.
_FINISH: Final = """
UPDATE idempotency_record
SET status = %(new_status)s, headers = %(new_headers)s::jsonb, body = %(new_body)s,
    answered_at = clock_timestamp()
WHERE {identified} AND answered_at IS NULL
RETURNING 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that must have its effect once: `body_hash` is the SHA-256 of its JSON value."""

    user_id: UUID
    path: str
    key: str
    body_hash: str

    @property
    def route(self) -> str:
        """Return what the key belongs to, beside the user."""
        return f"{_METHOD} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, byte by byte."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def claim(call: Call, *, order_id: UUID | None = None) -> bool:
    """Begin the call; return False where its key has begun before.

    Needs a transaction, of which this comes first. Other calls of the user wait until it ends.

    Args:
        call: what begins.
        order_id: the order that it will make in this transaction, so that a job can finish it.
    """
    now = context.current()
    parameters = {
        **_identity(call),
        "body_hash": call.body_hash,
        "order_id": order_id,
        "request_id": now.request_id,
        "traceparent": now.traceparent,
    }
    return bool(database.fetch(_CLAIM, parameters, prepare=True))


def attach(call: Call, **made: UUID | None) -> None:
    """Note the `order_id` or `payment_id` that the call made, so that a job can finish it."""
    IdempotencyRecord.objects.filter(**_identity(call)).update(**made)


def finish(outcome: Answer | PublicError, **record: Any) -> Answer | None:
    """Store the outcome as the answer of a running call and return it; one that has an answer keeps it.

    Needs a transaction. Nothing happens, and None is returned, where no running call fits.

    Args:
        outcome: an error becomes the problem that the API would have answered.
        record: what identifies the call: `order_id`, `payment_id`, or the parts of a Call.
    """
    if isinstance(outcome, PublicError):
        row = IdempotencyRecord.objects.filter(**record).first()
        if row is None:
            return None
        answer = _problem(outcome, row)
    else:
        answer = outcome
    statement = _FINISH.format(identified=" AND ".join(f"{name} = %({name})s" for name in record))
    parameters = {
        **record,
        "new_status": answer.status,
        "new_headers": json.encode(answer.headers).decode(),
        "new_body": answer.body.decode(),
    }
    return answer if database.fetch(statement, parameters, prepare=True) else None


def finish_call(call: Call, outcome: Answer | PublicError) -> None:
    """Store the outcome of a call that made nothing. Needs a transaction."""
    finish(outcome, **_identity(call))


def stored_answer(call: Call) -> Answer:
    """Return the answer of a call that has begun.

    Raises:
        IdempotencyKeyReused: the key came with another body.
        IdempotencyInProgress: there is no answer yet.
    """
    ((body_hash, status, headers, body),) = database.fetch(_STORED, _identity(call), prepare=True)
    if body_hash != call.body_hash:
        raise IdempotencyKeyReused
    if status is None:
        raise IdempotencyInProgress(retry_after_seconds=_RETRY_SECONDS)
    return Answer(status, body.encode(), json.decode(headers))


@contextmanager
def resumed(**record: Any) -> Iterator[None]:
    """Run a block in the context of the request that made an order or a payment.

    Its request id and trace go on in the events and logs of whoever finishes it.
    """
    row = IdempotencyRecord.objects.filter(**record).first()
    with context.running(
        request_id=row.request_id if row else None, traceparent=row.traceparent if row else None
    ):
        yield


def _identity(call: Call) -> dict[str, Any]:
    return {"user_id": call.user_id, "route": call.route, "key": call.key}


def _problem(error: PublicError, row: IdempotencyRecord) -> Answer:
    instance = row.route.removeprefix(f"{_METHOD} ")
    problem = problems.of_public_error(error, instance) | {"request_id": row.request_id}
    return Answer(problem["status"], json.encode(problem), {"Content-Type": problems.CONTENT_TYPE})
