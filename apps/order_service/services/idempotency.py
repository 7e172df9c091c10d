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

from django.db import connection
from django.utils import timezone

from apps.order_service.errors import IdempotencyInProgress, IdempotencyKeyReused
from apps.order_service.models import IdempotencyRecord
from chassis import context, json, problems
from chassis.errors import PublicError

_METHOD: Final = "POST"
_RETRY_SECONDS: Final = 1

_CLAIM: Final = """
INSERT INTO idempotency_record
    (user_id, route, key, body_hash, headers, body, request_id, traceparent, created_at)
VALUES (%s, %s, %s, %s, '{}', '', %s, %s, clock_timestamp())
ON CONFLICT (user_id, route, key) DO NOTHING
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


def claim(call: Call) -> bool:
    """Begin the call; return False where its key has begun before.

    Needs a transaction. A call of the same key at the same time waits until that transaction ends.
    """
    now = context.current()
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            [
                call.user_id,
                call.route,
                call.key,
                call.body_hash,
                now.request_id,
                now.traceparent,
            ],
        )
        return bool(cursor.rowcount)


def attach(call: Call, **made: UUID) -> None:
    """Note the `order_id` or `payment_id` that the call made, so that a job can finish it."""
    IdempotencyRecord.objects.filter(**_identity(call)).update(**made)


def finish(outcome: Answer | PublicError, **record: Any) -> None:
    """Store the outcome as the answer of a running call; one that has an answer keeps it.

    Needs a transaction. Nothing happens where no record fits.

    Args:
        outcome: an error becomes the problem that the API would have answered.
        record: what identifies the call: `order_id`, `payment_id`, or the parts of a Call.
    """
    row = IdempotencyRecord.objects.filter(**record).first()
    if row is None:
        return
    answer = _problem(outcome, row) if isinstance(outcome, PublicError) else outcome
    IdempotencyRecord.objects.filter(id=row.id, answered_at=None).update(
        status=answer.status,
        headers=dict(answer.headers),
        body=answer.body.decode(),
        answered_at=timezone.now(),
    )


def finish_call(call: Call, outcome: Answer | PublicError) -> None:
    """Store the outcome of a call that made nothing. Needs a transaction."""
    finish(outcome, **_identity(call))


def stored_answer(call: Call) -> Answer:
    """Return the answer of a call that has begun.

    Raises:
        IdempotencyKeyReused: the key came with another body.
        IdempotencyInProgress: there is no answer yet.
    """
    row = IdempotencyRecord.objects.get(**_identity(call))
    if row.body_hash != call.body_hash:
        raise IdempotencyKeyReused
    if row.status is None:
        raise IdempotencyInProgress(retry_after_seconds=_RETRY_SECONDS)
    return Answer(row.status, row.body.encode(), row.headers)


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
