"""What still works while a part of the platform is down, and what is made up for afterwards."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.system.platform import ORDERS, PRODUCTS, Client, Platform, wait_until

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def _well(platform: Platform) -> None:
    platform.wait_until_well()


def wait_for_order(client: Client, order_id: str, status: str, *, seconds: float) -> float:
    """Return after how many seconds the order has the status."""
    started = time.monotonic()
    wait_until(
        lambda: client.get(f"{ORDERS}/{order_id}").json()["status"] == status,
        seconds=seconds,
        what=f"the order {status}",
    )
    return time.monotonic() - started


class TestAuthDown:
    def test_leaves_signed_in_users_to_go_on_after_a_restart(
        self, platform: Platform, customer: Client, staff: Client, product: Mapping[str, Any]
    ) -> None:
        customer.buy(product["sku"])  # from then on order has a token of its own
        page = f"{PRODUCTS}/{product['slug']}"
        with platform.without("auth", "web", "worker", "relay"):
            assert customer.post("/api/v1/auth/token", {}).status_code in {502, 503}
            customer.buy(product["sku"])
            # From now on keys, deny list and order's token come out of the services' own databases.
            platform.restart("catalog", "web")
            platform.restart("order", "web")
            staff.wait_for_stock(product, on_hand=998)
            assert customer.get(page).json()["in_stock"] is True
            for path in (f"{page}/stock", ORDERS):
                answer = platform.client("made.up.token").get(path)
                assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")
            order = customer.buy(product["sku"])
            assert customer.get(ORDERS).json()["results"][0]["id"] == order["id"]
            staff.wait_for_stock(product, on_hand=997)
        assert platform.register().get("/api/v1/auth/me").status_code == 200


class TestCatalogDown:
    def test_leaves_orders_pending_and_places_them_on_its_return(
        self, platform: Platform, customer: Client, staff: Client, product: Mapping[str, Any]
    ) -> None:
        with platform.without("catalog", "web"):
            seconds, orders = [], []
            for _ in range(7):  # more than open the circuit
                started = time.monotonic()
                answer = customer.place(product["sku"])
                seconds.append(time.monotonic() - started)
                assert (answer.status_code, answer.json()["status"]) == (202, "pending")
                assert answer.headers["Location"] == f"{ORDERS}/{answer.json()['id']}"
                assert answer.json()["total"] is None
                orders.append(answer.json()["id"])
            print("202 after", [f"{one:.2f}" for one in seconds])
            assert max(seconds) < 5, "the deadline of 2 s, and what the machine does besides"
            assert seconds[-1] < 1.5, "the circuit is open, so that nobody waits for the deadline"
            platform.start_process("catalog", "web")
            wait_until(
                lambda: customer.get(PRODUCTS).status_code == 200, seconds=20, what="catalog back"
            )
            returned_at = time.monotonic()
            for order_id in orders:
                left = 10 - (time.monotonic() - returned_at)
                wait_for_order(customer, order_id, "placed", seconds=left)
            print(f"placed {time.monotonic() - returned_at:.2f} s after catalog's return")
        assert staff.stock(product) == {"on_hand": 1000, "reserved": 7, "available": 993}
        wait_until(
            lambda: customer.place(product["sku"], 1000).status_code == 409,
            seconds=20,
            what="the circuit closed: catalog is asked at once again",
        )
        assert customer.pay(orders[0]).status_code == 201
        staff_stock = {"on_hand": 999, "reserved": 6, "available": 993}
        wait_until(lambda: staff.stock(product) == staff_stock, seconds=20, what="stock committed")


class TestBrokerDown:
    def test_leaves_the_api_alone_and_delivers_on_its_return(
        self, platform: Platform, customer: Client, staff: Client, product: Mapping[str, Any]
    ) -> None:
        with platform.without("platform", "redis"):
            order = customer.buy(product["sku"], 4)
            assert staff.stock(product) == {"on_hand": 1000, "reserved": 4, "available": 996}
            assert platform.register().get("/api/v1/auth/me").status_code == 200
        staff.wait_for_stock(product, on_hand=996)
        handled = platform.event_log("catalog", order["id"], consumed=2)["handled"]
        assert sorted(event["type"] for event in handled) == ["order.paid", "order.placed"]


class TestCacheDown:
    def test_leaves_the_api_alone(
        self, platform: Platform, customer: Client, staff: Client, product: Mapping[str, Any]
    ) -> None:
        with platform.without("platform", "cache"):
            newcomer = platform.register()
            newcomer.buy(product["sku"])
            staff.wait_for_stock(product, on_hand=999)
