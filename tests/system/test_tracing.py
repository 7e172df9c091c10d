"""One request's id and trace, found again wherever something came of it."""

import re
from collections.abc import Mapping
from secrets import token_hex
from typing import Any
from uuid import uuid4

import psycopg

from tests.contracts.wire import validate
from tests.otlp import Collector, Told
from tests.system.platform import ADDRESS, ORDERS, PRODUCTS, Client, Platform, wait_until

LINES = {
    "order-web-1": ["request .*path=/api/v1/orders"],
    "catalog-web-1": ["request .*path=/internal/v1/reservations/"],
    "order-relay": ["event_published .*type=order.placed"],
    "catalog-worker": ["event_handled .*consumer=catalog.count_sales"],
    "order-worker": ["mail_sent", "event_handled .*consumer=order.mail"],
}
"""The lines of each process's log that an order leaves."""


ORDER = ("souk-gateway", "souk-order POST /api/v1/orders")
CREATED = (*ORDER, "souk-order create order.placed")
RESERVE = "PUT /internal/v1/reservations/{order_id}"
WAYS = {
    ORDER,
    (*ORDER, "souk-order PUT", "souk-gateway", f"souk-catalog {RESERVE}"),
    CREATED,
    (*CREATED, "souk-order send order.placed"),
    (*CREATED, "souk-catalog process order.placed"),
    (*CREATED, "souk-order process order.placed"),
}
"""What a collector is told of an order, from the client's side; the gateway names its own spans."""


def way_of(span: Told, spans: Mapping[str, Told]) -> tuple[str, ...]:
    """Return the services on the way to a span, each of ours with its span's name."""
    way: list[str] = []
    found: Told | None = span
    while found is not None:
        ours = found.service != "souk-gateway"
        step = f"{found.service} {found.name}" if ours else found.service
        if ours or way[:1] != [step]:
            way.insert(0, step)
        found = spans.get(found.parent_id)
    return tuple(way)


def keywords(line: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", line))


class TestTrace:
    def test_of_an_order_is_in_every_log_on_its_way(
        self, platform: Platform, customer: Client, product: Mapping[str, Any]
    ) -> None:
        # An order's token for services may be of a key that another test gave up: then it is asked twice.
        customer.buy(product["sku"])
        request_id, trace_id, span_id = f"test-{uuid4()}", token_hex(16), token_hex(8)
        body = {"lines": [{"sku": product["sku"], "quantity": 1}], "shipping_address": ADDRESS}
        placed = customer.post(
            ORDERS,
            body,
            **{
                "Idempotency-Key": str(uuid4()),
                "X-Request-ID": request_id,
                "traceparent": f"00-{trace_id}-{span_id}-01",
            },
        )
        assert (placed.status_code, placed.headers["X-Request-ID"]) == (201, request_id)

        def found() -> dict[str, list[dict[str, str]]]:
            return {name: self.lines(platform, name, request_id) for name in LINES}

        wait_until(
            lambda: all(len(found()[name]) >= len(LINES[name]) for name in LINES),
            seconds=30,
            what="a line of each process with the request's id",
        )
        lines = found()
        assert {k["trace_id"] for each in lines.values() for k in each} == {trace_id}
        spans = {
            name: {k["span_id"] for k in each if "span_id" in k} for name, each in lines.items()
        }
        hops = ("order-web-1", "catalog-web-1", "catalog-worker", "order-worker")
        assert [len(spans[hop]) for hop in hops] == [1, 1, 1, 1], spans
        assert len({span_id}.union(*spans.values())) == 1 + len(hops)

    def test_of_an_order_is_one_at_the_collector(
        self,
        platform: Platform,
        customer: Client,
        product: Mapping[str, Any],
        collector: Collector,
    ) -> None:
        trace_id, span_id = token_hex(16), token_hex(8)
        body = {"lines": [{"sku": product["sku"], "quantity": 1}], "shipping_address": ADDRESS}
        headers = {
            "Idempotency-Key": str(uuid4()),
            "traceparent": f"00-{trace_id}-{span_id}-01",
        }
        assert customer.post(f"{ORDERS}?note=secret", body, **headers).status_code == 201

        def paths() -> set[tuple[str, ...]]:
            """Return the way from the client to each span, by services and names."""
            spans = {span.span_id: span for span in collector.spans(trace_id=trace_id)}
            return {way_of(span, spans) for span in spans.values()}

        wait_until(lambda: paths() >= WAYS, seconds=30, what=f"all of {WAYS}")
        spans = collector.spans(trace_id=trace_id)
        known = {span.span_id for span in spans}
        assert {span.parent_id for span in spans} - known == {span_id}, "a span's parent is missing"
        told = repr([(dict(span.attributes), dict(span.resource)) for span in spans])
        for personal in (
            "secret",
            customer.credentials[0],
            ADDRESS["name"],
            customer.grant["access"],
        ):
            assert personal not in told

    def test_that_nobody_wants_told_is_told_to_nobody(
        self, customer: Client, collector: Collector
    ) -> None:
        trace_id = token_hex(16)
        customer.get(ORDERS, traceparent=f"00-{trace_id}-{token_hex(8)}-00")
        customer.get(ORDERS, traceparent=f"00-{trace_id}-{token_hex(8)}-01")
        wait_until(
            lambda: any(s.service == "souk-order" for s in collector.spans(trace_id=trace_id)),
            seconds=30,
            what="the span of the second request",
        )
        served = collector.spans(trace_id=trace_id, service="souk-order", kind="SERVER")
        assert len(served) == 1

    @staticmethod
    def lines(platform: Platform, process: str, request_id: str) -> list[dict[str, str]]:
        """Return the keywords of the lines that a process is to write of the request."""
        log = (platform.home / "logs" / f"{process}.log").read_text(encoding="utf-8")
        return [
            keywords(line)
            for line in log.splitlines()
            if request_id in line and any(re.search(wanted, line) for wanted in LINES[process])
        ]

    def test_of_a_hostile_client_is_replaced(self, platform: Platform) -> None:
        hostile = {"X-Request-ID": "x" * 5000, "traceparent": "00-" + "0" * 500}
        answer = platform.client().get(PRODUCTS, **hostile)
        made = answer.headers["X-Request-ID"]
        assert answer.status_code == 200
        assert re.fullmatch(r"[0-9a-f-]{36}", made)
        logs = (platform.home / "logs" / "catalog-web-1.log").read_text(encoding="utf-8")
        (line,) = (line for line in logs.splitlines() if made in line)
        assert re.fullmatch(r"[0-9a-f]{32}", keywords(line)["trace_id"])
        assert "x" * 100 not in line


class TestWire:
    def test_carries_what_the_contracts_say(
        self, platform: Platform, customer: Client, product: Mapping[str, Any]
    ) -> None:
        order = customer.buy(product["sku"])
        platform.event_log("catalog", order["id"], consumed=2)
        platform.event_log("order", order["id"], consumed=2)
        types = set()
        for service in ("auth", "catalog", "order"):
            url = f"{platform.row('platform', 'postgres')['url']}"
            with psycopg.connect(url, dbname=f"souk_{service}") as connection:
                rows = connection.execute(
                    "SELECT envelope FROM inbox WHERE consumer NOT LIKE '%.refused'"
                ).fetchall()
            for (message,) in rows:
                validate(message)
                types.add(message["type"])
        assert types >= {"user.registered", "product.created", "order.placed", "order.paid"}
