"""Killing a process of the platform, and what must hold afterwards."""

import time
from collections.abc import Mapping
from typing import Any, Final

from tests.system.platform import Client, Platform, wait_until

RESTART_SECONDS: Final = 5
"""For the process to be back, and for an order to be placed."""


def assert_is_back(
    platform: Platform,
    service: str,
    role: str,
    *,
    customer: Client,
    staff: Client,
    product: Mapping[str, Any],
) -> None:
    """Kill a process; fail unless it is back in time and the next order works.

    Args:
        platform: where it runs.
        service: whose process.
        role: which process.
        customer: buys two pieces.
        staff: sees the stock.
        product: of which 1000 are in stock.
    """
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
