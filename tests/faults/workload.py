"""A shop's day in half a minute: clients who do everything that makes events, through the gateway."""

import contextlib
import os
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx

from tests.system.platform import ORDERS, PRODUCTS, Client, Platform, wait_until

CLIENTS: Final = 3
PAUSE_SECONDS: Final = 0.1
"""Between two operations of one client: the machine has more to do than this."""
PRODUCTS_ON_SALE: Final = 6
ON_HAND: Final = 40
EXPECTED: Final = {200, 201, 202, 204, 402, 409}
"""Done, accepted, declined, or refused by the state of things, which others change meanwhile."""


def draw_seed() -> int:
    """Return the seed that SOUK_SEED says, or a new one; print it, so that a failure can be repeated."""
    seed = int(os.environ.get("SOUK_SEED") or random.randrange(10**9))
    print(f"SOUK_SEED={seed}")
    return seed


@dataclass(slots=True)
class Order:
    """An order of the load, and what was last heard of it."""

    id: str
    client: Client
    status: str = "placed"


@dataclass(slots=True)
class Load:
    """What the clients share, and what they were answered."""

    platform: Platform
    seed: int
    staff: Client
    products: list[dict[str, Any]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    """Answers of 500 and above, and requests without an answer."""
    odd: list[str] = field(default_factory=list)
    """Answers that a client of this kind never gets."""
    _ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def count(self) -> int:
        """Return how many answers there were."""
        with self._lock:
            return self.answers.total()

    def go_on(self, more: int = 30, *, seconds: float = 40) -> None:
        """Return when there were so many more answers."""
        enough = self.count + more
        wait_until(lambda: self.count >= enough, seconds=seconds, what=f"{more} more answers")

    def assert_all_answered(self) -> None:
        """Fail if any request was not answered, or answered with 500 and above."""
        assert self.failures == [], f"SOUK_SEED={self.seed}: {self.failures}"

    def run(self, number: int) -> None:
        """Be one client until the load ends."""
        dice = random.Random(f"{self.seed} {number}")
        shopper = Shopper(self, dice)
        steps: dict[Callable[[], None], int] = {
            shopper.register: 1,
            shopper.rename: 2,
            shopper.place: 8,
            shopper.pay: 7,
            shopper.pay_in_vain: 1,
            shopper.cancel: 2,
            shopper.ship: 2,
            shopper.deliver: 1,
            shopper.refund: 2,
            shopper.change_product: 3,
            shopper.replace_product: 1,
        }
        shopper.register()
        while not self._ended.wait(PAUSE_SECONDS):
            (step,) = dice.choices(list(steps), weights=list(steps.values()))
            step()

    def end(self) -> None:
        """Let each client end after what it is at."""
        self._ended.set()

    def note(self, name: str, ask: Callable[[], httpx.Response]) -> httpx.Response | None:
        """Send a request and note what came of it; return the answer if it is a good one."""
        try:
            answer = ask()
        except httpx.HTTPError as error:
            with self._lock:
                self.failures.append(f"{name}: {error!r}")
                self.answers[f"{name}: none"] += 1
            return None
        with self._lock:
            self.answers[f"{name}: {answer.status_code}"] += 1
            if answer.status_code >= 500:
                self.failures.append(f"{name}: {answer.status_code} {answer.text[:200]}")
            elif answer.status_code not in EXPECTED:
                self.odd.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        return answer if answer.is_success else None


class Shopper:
    """One client: several customers of his own, and staff's rights."""

    def __init__(self, load: Load, dice: random.Random) -> None:
        self._load = load
        self._dice = dice
        self._customers: list[Client] = []

    def register(self) -> None:
        client = self._load.platform.client()
        email, password = f"{uuid4().hex}@souk.example", secrets.token_urlsafe(18)
        body = {"email": email, "password": password, "name": "Ada Lovelace"}
        if self._send("register", lambda: client.post("/api/v1/auth/register", body)) is None:
            return
        log_in = {"email": email, "password": password}
        granted = self._send("log in", lambda: client.post("/api/v1/auth/token", log_in))
        if granted is not None:
            client.http.headers["Authorization"] = f"Bearer {granted.json()['access']}"
            self._customers.append(client)

    def rename(self) -> None:
        if self._customers:
            client = self._dice.choice(self._customers)
            body = {"name": f"Ada {self._dice.randrange(10**6)}"}
            self._send("rename", lambda: client.http.patch("/api/v1/auth/me", json=body))

    def place(self) -> None:
        if not self._customers:
            return
        client = self._dice.choice(self._customers)
        sku = self._dice.choice(self._load.products)["sku"]
        quantity = self._dice.randint(1, 6)
        answer = self._send("place", lambda: client.place(sku, quantity))
        if answer is not None:
            self._load.orders.append(Order(answer.json()["id"], client))

    def pay(self) -> None:
        order = self._any("placed")
        if order and self._send("pay", lambda: order.client.pay(order.id)):
            order.status = "paid"

    def pay_in_vain(self) -> None:
        if order := self._any("placed"):
            body = {"method": "sandbox", "token": "tok_declined"}
            key = {"Idempotency-Key": str(uuid4())}
            path = f"{ORDERS}/{order.id}/payments"
            self._send("pay in vain", lambda: order.client.post(path, body, **key))

    def cancel(self) -> None:
        if order := self._any("placed", "paid"):
            self._change(order, order.client, "cancel", "cancelled")

    def ship(self) -> None:
        if order := self._any("paid"):
            self._change(order, self._load.staff, "ship", "shipped")

    def deliver(self) -> None:
        if order := self._any("shipped"):
            self._change(order, self._load.staff, "deliver", "delivered")

    def refund(self) -> None:
        if order := self._any("paid", "shipped", "delivered"):
            body = {"reason": "broken", "restock": self._dice.random() < 0.5}
            self._change(order, self._load.staff, "refund", "refunded", body)

    def change_product(self) -> None:
        product = self._dice.choice(self._load.products)
        body = self._dice.choice(
            (
                {"price": f"{self._dice.randint(100, 9999) / 100:.2f}"},
                {"name": f"Lantern {self._dice.randrange(10**6)}"},
            )
        )
        path = f"{PRODUCTS}/{product['slug']}"
        staff = self._load.staff
        self._send("change product", lambda: staff.http.patch(path, json=body))

    def replace_product(self) -> None:
        """Archive the oldest product, once there is another."""
        self.add_product()
        if len(self._load.products) > PRODUCTS_ON_SALE:
            path = f"{PRODUCTS}/{self._load.products.pop(0)['slug']}"
            self._send("archive", lambda: self._load.staff.http.delete(path))

    def add_product(self) -> None:
        staff, sku = self._load.staff, f"L-{uuid4().hex[:12]}"
        body = {
            "sku": sku,
            "name": f"Lantern {sku}",
            "category": self._load.products[0]["category"],
            "price": "19.90",
            "currency": "EUR",
            "status": "active",
        }
        made = self._send("add product", lambda: staff.post(PRODUCTS, body))
        if made is None:
            return
        path = f"{PRODUCTS}/{made.json()['slug']}/stock/adjustments"
        stock = {"quantity": ON_HAND, "reason": "delivery"}
        if self._send("adjust", lambda: staff.post(path, stock)):
            self._load.products.append(made.json())

    def _any(self, *statuses: str) -> Order | None:
        """Return one of the orders that should be in a status, None if none is."""
        found = [order for order in list(self._load.orders) if order.status in statuses]
        return self._dice.choice(found) if found else None

    def _change(
        self, order: Order, client: Client, verb: str, status: str, body: Any = None
    ) -> None:
        path = f"{ORDERS}/{order.id}/{verb}"
        if self._send(verb, lambda: client.post(path, body or {})):
            order.status = status

    def _send(self, name: str, ask: Callable[[], httpx.Response]) -> httpx.Response | None:
        return self._load.note(name, ask)


@contextlib.contextmanager
def running(platform: Platform) -> Iterator[Load]:
    """Keep the clients busy during the block; each has ended what it was at when it is left."""
    staff = platform.demo_user("staff")
    load = Load(platform, draw_seed(), staff)
    load.products += [dict(staff.add_product(on_hand=ON_HAND)) for _ in range(PRODUCTS_ON_SALE)]
    threads = [
        threading.Thread(target=load.run, args=(number,), daemon=True) for number in range(CLIENTS)
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.end()
        for thread in threads:
            thread.join(timeout=60)
        print(f"{load.count} answers in {time.monotonic() - started:.1f} s: {dict(load.answers)}")
    assert not any(thread.is_alive() for thread in threads), "a request has no answer in a minute"
    assert load.odd == [], f"SOUK_SEED={load.seed}: {load.odd}"
