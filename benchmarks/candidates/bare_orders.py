"""The least that an order takes: the same rows in the same tables, by bare psycopg without HTTP.

`python -m benchmarks.candidates.bare_orders` reads lines of two numbers, most orders and most
seconds, and answers each with a JSON object: orders, seconds until everything was applied, and the
seconds of each order. Eight threads, each with a connection to both databases, place orders: three
transactions, each in one round trip, with every change of it in one statement that is prepared. One
more carries the events from the outbox into both inboxes, a hundred at a time and straight from
database to database. Nothing is checked that the statements do not check themselves.

BENCH_ORDER_URL and BENCH_CATALOG_URL name databases with the services' migrations and products.
"""

import json
import os
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, Final

import orjson
import psycopg

from chassis.ids import uuid7

THREADS: Final = 8
ADDRESS: Final = {
    "name": "Ada Lovelace",
    "line1": "1 Market Square",
    "city": "Vienna",
    "postal_code": "1010",
    "country": "AT",
}
SHIPPING: Final = Decimal("4.90")
_TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_IDLE_SECONDS: Final = 0.005

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_BEGIN: Final = """
WITH claimed AS (
    INSERT INTO idempotency_record (user_id, route, key, body_hash, headers, body, order_id,
                                    request_id, traceparent, created_at)
    SELECT %(user)s, 'POST /api/v1/orders', %(key)s, %(hash)s, '{}', '', %(order)s,
           %(key)s, %(trace)s, clock_timestamp()
    WHERE (SELECT count(*) FROM orders
           WHERE user_id = %(user)s AND status IN ('pending', 'placed')) < 1000000
    ON CONFLICT (user_id, route, key) DO NOTHING
    RETURNING order_id
), made AS (
    INSERT INTO orders (id, number, user_id, status, requested_lines, shipping_address, currency,
                        recover_after, created_at)
    SELECT order_id, %(number)s, %(user)s, 'pending', %(lines)s::jsonb, %(address)s::jsonb, 'EUR',
           clock_timestamp() + interval '10 s', clock_timestamp()
    FROM claimed RETURNING id
)
INSERT INTO order_history (order_id, from_status, to_status, at, who, why, request_id)
SELECT id, '', 'pending', clock_timestamp(), 'user:' || %(user)s::text, '', %(key)s FROM made
"""
_RESERVE: Final = """
WITH claimed AS (
    INSERT INTO reservation (order_id, status, created_at, expires_at)
    VALUES (%(order)s, 'reserved', clock_timestamp(), clock_timestamp() + interval '15 min')
    ON CONFLICT (order_id) DO NOTHING
    RETURNING order_id, expires_at
), line AS (
    INSERT INTO reservation_line
        (reservation_id, product_id, position, sku, name, quantity, unit_price, currency)
    SELECT order_id, product.id, 1, sku, name, %(quantity)s, price, currency
    FROM claimed CROSS JOIN product WHERE sku = %(sku)s AND product.status = 'active'
    RETURNING product_id, name, quantity, unit_price
), moved AS (
    UPDATE stock SET reserved = reserved + quantity FROM line
    WHERE stock.product_id = line.product_id AND reserved + quantity <= on_hand
    RETURNING line.*
), noted AS (
    INSERT INTO stock_movement (product_id, kind, on_hand, reserved, order_id, actor, reason, at)
    SELECT product_id, 'reserved', 0, quantity, %(order)s, 'order', '', clock_timestamp() FROM moved
)
SELECT name, unit_price, expires_at FROM moved CROSS JOIN claimed
"""
_PLACE: Final = """
WITH placed AS (
    UPDATE orders SET status = 'placed', placed_at = clock_timestamp(), recover_after = NULL,
        expires_at = %(expires)s, subtotal = %(sum)s, shipping = 4.90, tax = 0, total = %(total)s
    WHERE id = %(order)s AND status = 'pending'
    RETURNING id
), line AS (
    INSERT INTO order_line (order_id, position, sku, name, quantity, unit_price, line_total)
    SELECT id, 0, %(sku)s, %(name)s, %(quantity)s, %(price)s, %(sum)s FROM placed
), history AS (
    INSERT INTO order_history (order_id, from_status, to_status, at, who, why, request_id)
    SELECT id, 'pending', 'placed', clock_timestamp(), 'user:' || %(user)s::text, '', %(key)s
    FROM placed
), call AS (
    INSERT INTO order_call (order_id, service, operation, outcome, times, milliseconds, first_at,
                            last_at, request_id)
    SELECT id, 'catalog', 'reserve', 'reserved', 1, 5, clock_timestamp(), clock_timestamp(), %(key)s
    FROM placed
), next AS (
    INSERT INTO aggregate_sequence (subject, last) SELECT id::text, 1 FROM placed
    ON CONFLICT (subject) DO UPDATE SET last = aggregate_sequence.last + 1
    RETURNING subject, last
), event AS (
    INSERT INTO outbox (id, type, version, subject, sequence, time, data, request_id, traceparent)
    SELECT %(event)s, 'order.placed', 1, subject, last, clock_timestamp(), %(data)s::jsonb,
           %(key)s, %(trace)s
    FROM next
)
UPDATE idempotency_record SET status = 201, headers = %(headers)s::jsonb, body = %(body)s,
    answered_at = clock_timestamp()
FROM placed WHERE order_id = placed.id AND answered_at IS NULL
"""

_NUMBER: Final = """
WITH state AS (
    SELECT position FROM relay_state WHERE id = 1 FOR UPDATE
), fresh AS (
    SELECT id, row_number() OVER (ORDER BY time, sequence, id) AS n
    FROM (SELECT id, time, sequence FROM outbox WHERE position IS NULL
          ORDER BY time, sequence, id LIMIT 100 FOR UPDATE) AS rows
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
_STATE: Final = (
    "INSERT INTO relay_state (id, epoch, position) VALUES (1, %s, 0) ON CONFLICT DO NOTHING"
)
_MARK: Final = "UPDATE outbox SET published_at = clock_timestamp() WHERE id = ANY(%s)"
_RECEIVE: Final = """
WITH received AS (
    SELECT envelope, (envelope->>'id')::uuid AS id FROM unnest(%(envelopes)s::jsonb[]) AS envelope
), claimed AS (
    INSERT INTO inbox (consumer, event_id, type, subject, envelope, received_at, handled_at,
                       effect, attempts, error)
    SELECT %(consumer)s, id, envelope->>'type', envelope->>'subject', envelope,
           clock_timestamp(), clock_timestamp(), 'done', 0, ''
    FROM received ORDER BY id
    ON CONFLICT (consumer, event_id) DO NOTHING
    RETURNING envelope
)
"""
_NOTHING_MORE: Final = "SELECT count(*) FROM claimed"
_COUNT: Final = """
INSERT INTO product_sales (product_id, date, units)
SELECT product.id, current_date, sum((line->>'quantity')::int)
FROM claimed CROSS JOIN jsonb_array_elements(envelope->'data'->'lines') AS line
JOIN product ON product.sku = line->>'sku'
GROUP BY product.id ORDER BY product.id
ON CONFLICT (product_id, date) DO UPDATE SET units = product_sales.units + excluded.units
"""


class _Client:
    """Places orders, one after the other."""

    def __init__(self) -> None:
        self._order = _connect("ORDER")
        self._catalog = _connect("CATALOG")
        self._skus = [row[0] for row in self._catalog.execute("SELECT sku FROM product")]

    def place(self, user: Any) -> None:
        """Do what one request does."""
        key, quantity, sku = str(uuid7()), random.randint(1, 3), random.choice(self._skus)
        order: dict[str, Any] = {
            "order": uuid7(),
            "user": user,
            "key": key,
            "hash": key.replace("-", "") * 2,
            "trace": _TRACE,
            "number": key[-12:],
            "sku": sku,
            "quantity": quantity,
            "lines": _json([{"sku": sku, "quantity": quantity, "position": 0}]),
            "address": _json(ADDRESS),
        }
        with self._order.pipeline():
            self._order.execute(_LOCK, [f"orders:{user}"])
            self._order.execute(_BEGIN, order)
        row = self._catalog.execute(_RESERVE, order).fetchone()
        assert row is not None, f"{sku} is short"
        name, price, expires_at = row
        line = {"sku": sku, "name": name, "quantity": quantity, "unit_price": str(price)}
        answer = {"id": key, "lines": [line], "shipping_address": ADDRESS, "user_id": key}
        order |= {"name": name, "price": price, "expires": expires_at, "sum": quantity * price}
        order |= {"total": quantity * price + SHIPPING, "event": uuid7(), "body": _json(answer)}
        order["headers"] = _json({"Content-Type": "application/json", "Location": key})
        order["data"] = _json({"order_id": key, "user_id": key, "lines": [line], "number": key})
        self._order.execute(_PLACE, order)


class _Bus:
    """Carries events until the outbox is empty."""

    def __init__(self) -> None:
        self._order = _connect("ORDER")
        self._catalog = _connect("CATALOG")
        self._order.execute(_STATE, [uuid7()])

    def run(self, ending: threading.Event) -> None:
        """Carry what there is, until told that nothing more will come."""
        while True:
            last = ending.is_set()
            if not self._carry():
                if last:
                    return
                time.sleep(_IDLE_SECONDS)

    def _carry(self) -> int:
        rows = self._order.execute(_NUMBER).fetchall()
        if rows:
            envelopes = [text for text, _ in rows]
            counted = {"consumer": "catalog.count_sales", "envelopes": envelopes}
            self._catalog.execute(_RECEIVE + _COUNT, counted)
            mailed = {"consumer": "order.mail", "envelopes": envelopes}
            self._order.execute(_RECEIVE + _NOTHING_MORE, mailed)
            self._order.execute(_MARK, [[event_id for _, event_id in rows]])
        return len(rows)


def main() -> None:
    """Answer the lines of the input until it ends."""
    clients, bus = [_Client() for _ in range(THREADS)], _Bus()
    users = [uuid7() for _ in range(200)]
    with ThreadPoolExecutor(THREADS + 1) as pool:
        for text in sys.stdin:
            most, seconds = text.split()
            started, ending = time.perf_counter(), threading.Event()
            deadline = started + float(seconds)
            share = int(most) // THREADS
            carried = pool.submit(bus.run, ending)
            placed = [pool.submit(_place_share, one, users, share, deadline) for one in clients]
            try:
                times = [second for one in placed for second in one.result()]
            finally:
                answered = time.perf_counter() - started
                ending.set()
            carried.result()
            done = {"answered": answered, "applied": time.perf_counter() - started, "times": times}
            print(json.dumps(done), flush=True)


def _place_share(client: _Client, users: list[Any], most: int, deadline: float) -> list[float]:
    times: list[float] = []
    while len(times) < most and (started := time.perf_counter()) < deadline:
        client.place(random.choice(users))
        times.append(time.perf_counter() - started)
    return times


def _connect(service: str) -> psycopg.Connection[Any]:
    url = os.environ[f"BENCH_{service}_URL"]
    return psycopg.connect(url, autocommit=True, prepare_threshold=0)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


if __name__ == "__main__":
    main()
