"""The least that keeps the same promises: the same rows, by bare psycopg and a Redis list.

The publisher writes an outbox row per transaction; the relay numbers, lists and marks a hundred
at a time; the worker writes the inbox rows and the effects of a hundred in one transaction. A
pop and an acknowledgement are one step here: the worker moves messages to a list of its own and
trims that after the commit.

`python -m benchmarks.candidates.bare_bus relay|worker`; BENCH_AUTH_URL and BENCH_ORDER_URL name
databases with the services' migrations, BENCH_BROKER_URL the broker.
"""

import os
import sys
from collections.abc import Callable
from typing import Any, Final

import orjson
import psycopg
import redis
from psycopg_pool import ConnectionPool

from chassis.ids import uuid7

BATCH: Final = 100
QUEUE: Final = "benchmarks.bare"
_TAKEN: Final = "benchmarks.bare.taken"

_PUBLISH = """
WITH numbered AS (
    INSERT INTO aggregate_sequence (subject, last) VALUES (%(subject)s, 1)
    ON CONFLICT (subject) DO UPDATE SET last = aggregate_sequence.last + 1
    RETURNING last
), written AS (
    INSERT INTO outbox (id, type, version, subject, sequence, time, data, request_id, traceparent)
    SELECT %(id)s, 'user.registered', 1, %(subject)s, last, clock_timestamp(), %(data)s,
           %(subject)s, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    FROM numbered
    RETURNING 1
)
SELECT pg_notify('souk_outbox', '') FROM written
"""

_NUMBER = """
WITH state AS (
    SELECT position FROM relay_state WHERE id = 1 FOR UPDATE
), fresh AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n
    FROM (SELECT id FROM outbox WHERE position IS NULL ORDER BY id LIMIT 100 FOR UPDATE) AS rows
), numbered AS (
    UPDATE outbox SET position = state.position + fresh.n
    FROM fresh, state WHERE outbox.id = fresh.id
    RETURNING outbox.id, outbox.position, type, subject, sequence, time, data, request_id,
              traceparent
), moved AS (
    UPDATE relay_state SET position = position + (SELECT count(*) FROM numbered) WHERE id = 1
)
SELECT json_build_object('id', id, 'type', type, 'subject', subject, 'sequence', sequence,
                         'time', time, 'data', data, 'requestid', request_id,
                         'traceparent', traceparent)::text, id
FROM numbered ORDER BY position
"""
_STATE = "INSERT INTO relay_state (id, epoch, position) VALUES (1, %s, 0) ON CONFLICT DO NOTHING"
_MARK = "UPDATE outbox SET published_at = clock_timestamp() WHERE id = ANY(%s)"

_HANDLE = """
WITH received AS (
    SELECT envelope, (envelope->>'id')::uuid AS id, envelope->'data' AS data
    FROM unnest(%s::jsonb[]) AS envelope
), claimed AS (
    INSERT INTO inbox (consumer, event_id, type, subject, envelope, received_at, handled_at,
                       effect, attempts, error)
    SELECT 'order.remember_customer', id, envelope->>'type', envelope->>'subject', envelope,
           clock_timestamp(), clock_timestamp(), 'customer remembered', 0, ''
    FROM received ORDER BY id
    ON CONFLICT (consumer, event_id) DO NOTHING
    RETURNING event_id
)
INSERT INTO customer (user_id, email, name)
SELECT (data->>'user_id')::uuid, data->>'email', data->>'name'
FROM received JOIN claimed ON event_id = id
ON CONFLICT (user_id) DO NOTHING
"""


def publisher() -> Callable[[], None]:
    """Return a function that writes one event in a transaction of its own."""
    from benchmarks.candidates.publishers import THREADS, email_of

    pool = ConnectionPool(
        os.environ["BENCH_AUTH_URL"], min_size=THREADS, kwargs={"autocommit": True}, open=True
    )

    def publish() -> None:
        user_id = uuid7()
        data = {"user_id": str(user_id), "email": email_of(user_id), "name": "Anyone"}
        values = {"id": uuid7(), "subject": str(user_id), "data": orjson.dumps(data).decode()}
        with pool.connection() as connection:
            connection.execute(_PUBLISH, values)

    return publish


def relay() -> None:
    """Move rows from the outbox to the list until killed."""
    broker = _broker()
    with psycopg.connect(os.environ["BENCH_AUTH_URL"], autocommit=True) as connection:
        connection.execute(_STATE, [uuid7()])
        connection.execute("LISTEN souk_outbox")
        while True:
            with connection.transaction():
                rows = connection.execute(_NUMBER).fetchall()
                if rows:
                    broker.lpush(QUEUE, *(text for text, _ in rows))
                    connection.execute(_MARK, [[event_id for _, event_id in rows]])
            if len(rows) < BATCH:
                for _ in connection.notifies(timeout=1, stop_after=1):
                    pass


def work() -> None:
    """Put messages of the list through the inbox until killed."""
    broker = _broker()
    with psycopg.connect(os.environ["BENCH_ORDER_URL"], autocommit=True) as connection:
        while True:
            first = broker.blmove(QUEUE, _TAKEN, timeout=1, src="RIGHT", dest="LEFT")
            if first is None:
                continue
            pipeline = broker.pipeline(transaction=False)
            for _ in range(BATCH - 1):
                pipeline.lmove(QUEUE, _TAKEN, src="RIGHT", dest="LEFT")
            messages = [first, *(text for text in pipeline.execute() if text is not None)]
            connection.execute(_HANDLE, [[text.decode() for text in messages]])
            broker.delete(_TAKEN)


def _broker() -> Any:
    return redis.Redis.from_url(os.environ["BENCH_BROKER_URL"])


if __name__ == "__main__":
    {"relay": relay, "worker": work}[sys.argv[1]]()
