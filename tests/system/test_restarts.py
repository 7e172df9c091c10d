"""Processes that are killed come back, and what was done before is still there."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.system.killing import assert_is_back
from tests.system.platform import ORDERS, Client, Platform


class TestKilledProcess:
    """A web process and a worker; tests/faults kills the others too."""

    @pytest.mark.parametrize(("service", "role"), [("order", "web"), ("catalog", "worker")])
    def test_is_back_in_time_and_the_next_order_works(
        self,
        platform: Platform,
        customer: Client,
        staff: Client,
        product: Mapping[str, Any],
        service: str,
        role: str,
    ) -> None:
        assert_is_back(platform, service, role, customer=customer, staff=staff, product=product)


@pytest.mark.long
class TestWholePlatform:
    def test_keeps_its_orders_when_everything_is_killed(
        self, platform: Platform, staff: Client, product: Mapping[str, Any]
    ) -> None:
        customer = platform.register()
        order = customer.buy(product["sku"])
        pids = {row["pid"] for row in platform.rows()}
        platform.kill_everything()
        assert platform.system_processes() == []
        output = platform.up()
        print_figures(output)
        assert pids.isdisjoint(row["pid"] for row in platform.rows())
        assert customer.get(f"{ORDERS}/{order['id']}").json() == order
        customer.buy(product["sku"])
        staff.wait_for_stock(product, on_hand=998)

    def test_keeps_its_orders_when_it_is_stopped_and_started(
        self, platform: Platform, staff: Client, product: Mapping[str, Any]
    ) -> None:
        customer = platform.register()
        order = customer.place(product["sku"]).json()
        assert "processes were stopped" in platform.down()
        assert platform.system_processes() == []
        stopped = platform.run("status", "--json")
        assert stopped.returncode == 1
        assert '"pid": null' in stopped.stdout
        assert "was not running" in platform.down()
        print_figures(platform.up())
        assert customer.get(f"{ORDERS}/{order['id']}").json() == order
        assert customer.pay(order["id"]).status_code == 201
        staff.wait_for_stock(product, on_hand=999)


def print_figures(output: str) -> None:
    """Print the line with the figures; `up` ends with it."""
    lines = [line for line in output.splitlines() if line.startswith("All ready in ")]
    assert len(lines) == 1, output
    assert " processes hold " in lines[0]
    assert " MiB (sum of PSS)" in lines[0]
    print(lines[0])
