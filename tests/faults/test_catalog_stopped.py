"""Catalog's web process answers nothing, or is not there: orders are taken all the same."""

import contextlib
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import httpx
import psycopg
import pytest

from local.home import parse_variables
from tests.system.platform import ORDERS, Client, Platform, wait_until

SECONDS: Final = 2.5
"""For a 202 whose request waited for catalog: the call's deadline of 2 s, and all else."""
OPEN_SECONDS: Final = 0.05
"""For the median 202 of a round once the circuit is open. A late round is repeated: other work on this
machine may have held it up."""
TRIES: Final = 3
NOISE_SECONDS: Final = 0.9
"""For each of them, however busy the machine: less than a probe waits for a frozen service."""
RECOVERY_SECONDS: Final = 10
MANY: Final = 20


@contextlib.contextmanager
def gone(platform: Platform, how: str) -> Iterator[None]:
    """Run the block without catalog's web; it is on its way back afterwards."""
    away = (
        platform.frozen("catalog", "web") if how == "frozen" else platform.without("catalog", "web")
    )
    with away:
        yield


class Shopper:
    """Places orders of one piece, and keeps which."""

    def __init__(self, client: Client, sku: str) -> None:
        self.client = client
        self.orders: list[str] = []
        self._sku = sku

    def place(self) -> float:
        """Place an order that stays pending; return how many seconds the answer took."""
        started = time.perf_counter()
        answer = self.client.place(self._sku)
        seconds = time.perf_counter() - started
        assert (answer.status_code, answer.json()["status"]) == (202, "pending"), answer.text
        self.orders.append(answer.json()["id"])
        return seconds

    def read_cart(self) -> float:
        """Read a cart of two as it was last known; return how many seconds the answer took."""
        started = time.perf_counter()
        answer = self.client.get("/api/v1/cart")
        seconds = time.perf_counter() - started
        assert answer.status_code == 200, answer.text
        (line,) = answer.json()["lines"]
        assert (line["quantity"], line["unit_price"], line["is_current"]) == (2, "19.90", False)
        return seconds

    def place_until_open(self, platform: Platform) -> list[float]:
        """Place orders until the circuit is open; return how many seconds each answer took."""
        taken = []
        while platform.circuits("order")["catalog"] == "closed":
            taken.append(self.place())
        return taken

    def statuses(self) -> set[str]:
        page = self.client.get(f"{ORDERS}?limit=100").json()["results"]
        found = {order["id"]: order["status"] for order in page}
        return {found[order_id] for order_id in self.orders}


def lines_reserved(platform: Platform, sku: str) -> list[tuple[str, int]]:
    """Return order and quantity of each line that catalog reserves."""
    file = platform.home / "env" / "catalog.env"
    url = parse_variables(file.read_text(encoding="utf-8"))["DATABASE_URL"]
    query = "SELECT reservation_id::text, quantity FROM reservation_line WHERE sku = %s"
    with psycopg.connect(url) as connection:
        return connection.execute(query, [sku]).fetchall()


class TestCatalogGone:
    @pytest.mark.parametrize("how", ["frozen", "killed"])
    def test_leaves_orders_pending_at_once_and_places_them_on_its_return(
        self, platform: Platform, staff: Client, product: Mapping[str, Any], how: str
    ) -> None:
        sku = product["sku"]
        platform.wait_until_well()
        shoppers = [Shopper(platform.register(), sku)]
        shoppers[0].client.buy(sku)  # order has a token, and a circuit that trusts catalog
        staff.wait_for_stock(product, on_hand=999)
        put = shoppers[0].client.http.put(f"/api/v1/cart/items/{sku}", json={"quantity": 2})
        assert put.status_code == 200, put.text
        assert shoppers[0].client.get("/api/v1/cart").json()["is_current"] is True
        with gone(platform, how):
            slow = shoppers[0].place_until_open(platform)
            fast: list[list[float]] = []
            while not fast or (len(fast) < TRIES and statistics.median(fast[-1]) > OPEN_SECONDS):
                shoppers.append(Shopper(platform.register(), sku))
                fast.append([shoppers[-1].place() for _ in range(MANY)])
            carts = [shoppers[0].read_cart() for _ in range(MANY)]
            platform.restart("order", "web")
            first = shoppers[0].place_until_open(platform)
            first.append(shoppers[0].place())
            medians = [statistics.median(each) for each in fast]
            most = max(max(each) for each in fast)
            print(f"{how}: while closed", [f"{one:.3f}" for one in slow])
            print(f"{how}: while open, medians {medians}, most {most:.3f}")
            print(f"{how}: of a new process", [f"{one:.3f}" for one in first])
            print(f"{how}: carts, median {statistics.median(carts):.4f}, most {max(carts):.3f}")
            assert max(slow + first) < SECONDS
            assert min(medians) < OPEN_SECONDS
            assert max(most, first[-1], *carts) < NOISE_SECONDS
            assert len(first) == 2, "a new process opens its circuit at the first failure"
            gone_until = time.monotonic()
            if how == "killed":
                platform.start_process("catalog", "web")
                gone_until = wait_for_health(platform)
        for shopper in shoppers:
            left = gone_until + RECOVERY_SECONDS - time.monotonic()
            wait_until(
                lambda shopper=shopper: shopper.statuses() == {"placed"},  # type: ignore[misc]
                seconds=left,
                what="every order placed",
            )
        print(f"{how}: all placed {time.monotonic() - gone_until:.2f} s after the return")
        assert_reserved_once(platform, staff, product, shoppers)
        wait_until(
            lambda: platform.circuits("order")["catalog"] == "closed",
            seconds=RECOVERY_SECONDS,
            what="the circuit closed",
        )


def assert_reserved_once(
    platform: Platform, staff: Client, product: Mapping[str, Any], shoppers: Sequence[Shopper]
) -> None:
    """Fail unless catalog holds one piece for each order, and no more."""
    orders = [(order, 1) for shopper in shoppers for order in shopper.orders]
    reserved = [row for row in lines_reserved(platform, product["sku"]) if row in orders]
    assert sorted(reserved) == sorted(orders)
    held = len(orders)
    assert staff.stock(product) == {"on_hand": 999, "reserved": held, "available": 999 - held}


def wait_for_health(platform: Platform) -> float:
    """Return when catalog says that it is ready, on the monotonic clock."""
    url = f"{platform.process('catalog', 'web').url}/health/ready"

    def is_well() -> bool:
        try:
            return httpx.get(url, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    wait_until(is_well, seconds=30, what="catalog ready")
    return time.monotonic()
