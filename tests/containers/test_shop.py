"""The first order, through the gateway."""

import json

import pytest

from local.home import SERVICES
from tests.containers.engine import docker
from tests.containers.stack import Stack
from tests.system.platform import ORDERS, PRODUCTS, Client, wait_until


class TestFirstOrder:
    def test_is_placed_paid_and_taken_off_the_stock(
        self, stack: Stack, customer: Client, staff: Client
    ) -> None:
        assert len(customer.get(f"{PRODUCTS}?in_stock=true&limit=20").json()["results"]) == 20
        product = staff.add_product(on_hand=10)
        order = customer.buy(product["sku"], 3)
        assert (order["status"], order["subtotal"]) == ("paid", "59.70")
        staff.wait_for_stock(product, on_hand=7, seconds=30)
        timeline = customer.get(f"{ORDERS}/{order['id']}/timeline")
        assert timeline.status_code == 200

    def test_is_told_to_every_consumer(self, stack: Stack, customer: Client, staff: Client) -> None:
        order = customer.buy(staff.add_product(on_hand=10)["sku"])
        arguments = ("event_log", "--subject", order["id"], "--wait", "10", "--json")

        def handled() -> set[str]:
            command = ("exec", stack.containers("catalog")[0], "python", "manage.py", *arguments)
            return {one["type"] for one in json.loads(docker(*command).stdout)["handled"]}

        wait_until(
            lambda: handled() == {"order.placed", "order.paid"},
            seconds=30,
            what="both events handled by catalog",
        )


class TestStaticFiles:
    @pytest.mark.parametrize("service", SERVICES)
    def test_are_served(self, stack: Stack, service: str) -> None:
        with stack.client() as client:
            sheet = client.get(f"/static/{service}/admin/css/base.css")
        assert (sheet.status_code, sheet.headers["Content-Type"]) == (
            200,
            'text/css; charset="utf-8"',
        )
