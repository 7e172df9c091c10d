"""Processes that are killed come back, and what was done before is still there."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.system.platform import ORDERS, Client, Platform, wait_until

# For the process to be back, and for an order to be placed.
RESTART_SECONDS = 5

PROCESSES = [
    *(("platform", role) for role in ("postgres", "redis", "cache", "gateway")),
    *(
        (service, role)
        for service in ("auth", "catalog", "order")
        for role in ("web", "worker", "relay")
    ),
]


class TestKilledProcess:
    def test_every_one_is_among_these(self, platform: Platform) -> None:
        rows = platform.status()["processes"]
        assert sorted((row["service"], row["role"]) for row in rows) == sorted(PROCESSES)

    @pytest.mark.parametrize(("service", "role"), PROCESSES)
    def test_is_back_in_time_and_the_next_order_works(
        self,
        platform: Platform,
        customer: Client,
        staff: Client,
        product: Mapping[str, Any],
        service: str,
        role: str,
    ) -> None:
        platform.wait_until_well()
        before = platform.kill(service, role)
        killed_at = time.monotonic()

        def is_back() -> bool:
            row = platform.row(service, role)
            return row["state"] == "running" and row["pid"] not in {None, before["pid"]}

        wait_until(is_back, seconds=RESTART_SECONDS, what=f"{service} {role} running again")
        print(f"{service} {role}: {time.monotonic() - killed_at:.2f} s")
        assert platform.row(service, role)["restarts"] == before["restarts"] + 1
        customer.buy(product["sku"], 2, until=killed_at + RESTART_SECONDS)
        staff.wait_for_stock(product, on_hand=998)


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
