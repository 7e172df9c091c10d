"""Killing a process of the platform, and what must hold afterwards."""

import time
from collections.abc import Mapping
from typing import Any, Final

from tests import pace
from tests.system.platform import Client, Platform, wait_until

RESTART_SECONDS: Final = 5
"""For the process to be back, and for an order to be paid, at the reference pace (tests/pace.py)."""
TRIES: Final = 3


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

    One that is late is killed again: other work on this machine may have held it up.

    Args:
        platform: where it runs.
        service: whose process.
        role: which process.
        customer: buys two pieces.
        staff: sees the stock.
        product: of which 1000 are in stock.
    """
    taken: list[float] = []
    while not taken or taken[-1] > RESTART_SECONDS * pace.slowness():
        assert len(taken) < TRIES, f"{service} {role}: back after {taken} s"
        taken.append(_kill(platform, service, role, customer=customer, product=product))
        staff.wait_for_stock(product, on_hand=1000 - 2 * len(taken))


def _kill(
    platform: Platform,
    service: str,
    role: str,
    *,
    customer: Client,
    product: Mapping[str, Any],
) -> float:
    """Kill a process and buy two pieces; return how many seconds that took."""
    platform.wait_until_well()
    before = platform.kill(service, role)
    killed_at = time.monotonic()

    def is_back() -> bool:
        row = platform.row(service, role)
        return row["state"] == "running" and row["pid"] not in {None, before["pid"]}

    wait_until(is_back, seconds=60, what=f"{service} {role} running again")
    print(f"{service} {role}: {time.monotonic() - killed_at:.2f} s")
    assert platform.row(service, role)["restarts"] == before["restarts"] + 1
    customer.buy(product["sku"], 2, until=time.monotonic() + RESTART_SECONDS * pace.slowness())
    return time.monotonic() - killed_at
