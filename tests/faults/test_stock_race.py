"""200 workers race for the stock of 20 products; each has a connection of its own."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection
from django.db.models import Sum
from django.utils import timezone

from apps.catalog_service.errors import OutOfStock, ReservationClosed
from apps.catalog_service.models import Product, ReservationLine, Stock, StockMovement
from apps.catalog_service.services import ledger, reservations
from apps.catalog_service.services.reservations import WantedLine
from chassis.ids import uuid7
from chassis.models import InboxEvent
from tests.catalog_service.factories import ledger_of, product

WORKERS = 200
SECONDS = 20
# Every other product is soon short, so that both sides of every condition are raced for.
INITIAL = (40, 4000)

Deliver = Callable[..., dict[str, Any]]


@dataclass(slots=True)
class Order:
    """An order that every worker may act on."""

    id: UUID
    lines: list[WantedLine]
    expires_at: datetime


@dataclass(slots=True)
class Shop:
    """What the workers share; `ends_at` is a time on the monotonic clock."""

    skus: list[str]
    deliver: Deliver
    ends_at: float = 0.0
    orders: list[Order] = field(default_factory=list)

    def work(self, dice: random.Random) -> Counter[str]:
        """Do one thing after the other until the time is over; count what came of each."""
        counts: Counter[str] = Counter()
        steps = (self.reserve, self.repeat, self.pay, self.cancel, self.reject, self.free)
        while time.monotonic() < self.ends_at:
            step = dice.choices((*steps, self.expire), weights=(8, 1, 3, 2, 1, 1, 2))[0]
            try:
                outcome = step(dice)
            except (OutOfStock, ReservationClosed) as error:
                outcome = error.code
            except OperationalError as error:
                # A lock that is not had within 2 s is a 503, and the caller comes again.
                if getattr(error.__cause__, "sqlstate", "") != "55P03":
                    raise
                outcome = "busy"
            counts[f"{step.__name__}: {outcome}"] += 1
        return counts

    def reserve(self, dice: random.Random) -> str:
        wanted = dice.sample(self.skus, dice.randint(1, 4))
        lines = [WantedLine(sku, dice.randint(1, 3), index) for index, sku in enumerate(wanted)]
        order_id = uuid7()
        made = reservations.reserve(order_id=order_id, lines=lines)
        self.orders.append(Order(order_id, lines, made.view["expires_at"]))
        return "done"

    def repeat(self, dice: random.Random) -> str:
        order = self._order(dice)
        if order is None:
            return "nothing there"
        assert not reservations.reserve(order_id=order.id, lines=order.lines).is_new
        return "done"

    def free(self, dice: random.Random) -> str:
        order = self._order(dice)
        reservations.release_reservation(order_id=order.id if order else uuid7())
        return "done"

    def pay(self, dice: random.Random) -> str:
        return self._tell("order.paid", self._order(dice))

    def cancel(self, dice: random.Random) -> str:
        return self._tell("order.cancelled", self._order(dice))

    def reject(self, dice: random.Random) -> str:
        return self._tell("order.rejected", self._order(dice))

    def expire(self, dice: random.Random) -> str:
        """Do as order does with one whose time to pay is over."""
        order = self._order(dice)
        if order is None or order.expires_at > timezone.now():
            return "not yet"
        return self._tell("order.cancelled", order)

    def _order(self, dice: random.Random) -> Order | None:
        """Return one of the latest orders, on which others are at work as well."""
        return dice.choice(self.orders[-300:]) if self.orders else None

    def _tell(self, name: str, order: Order | None) -> str:
        if order is None:
            return "nothing there"
        self.deliver(name, {"order_id": str(order.id)}, str(order.id))
        return "told"


def run(shop: Shop, seed: int) -> Counter[str]:
    """Let the workers begin together; return what they did, or raise what one of them met."""
    barrier = threading.Barrier(WORKERS)

    def one(number: int) -> Counter[str]:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=60)
            return shop.work(random.Random(f"{seed} {number}"))
        except BaseException:
            barrier.abort()
            raise
        finally:
            connection.close()

    shop.ends_at = time.monotonic() + SECONDS
    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(one, range(WORKERS)), Counter())


def deadlocks() -> int:
    """Return how many the database has seen since it was made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
class TestStockRace:
    def test_loses_no_piece_and_meets_no_deadlock(self, deliver: Deliver, settings: Any) -> None:
        settings.RESERVATION_SECONDS = 1
        seed = random.randrange(10**9)
        print(f"seed {seed}")
        made = [product(INITIAL[number % 2]) for number in range(20)]
        before = deadlocks()
        counts = run(Shop([p.sku for p in made], deliver), seed)
        for name, number in sorted(counts.items()):
            print(f"{number:>7} {name}")
        for number, p in enumerate(made):
            assert_sums_up(p, INITIAL[number % 2])
        assert ledger.check() == []
        assert set(failures()) <= {"ReservationClosed", "LockNotAvailable"}
        assert deadlocks() == before
        assert counts["reserve: done"] > WORKERS
        assert counts["reserve: out-of-stock"]
        # Each kind of step was taken, and took effect.
        kinds = ("reserved", "released", "committed", "returned")
        assert {kind for kind in kinds if StockMovement.objects.filter(kind=kind).exists()} == {
            *kinds
        }
        for step in ("repeat", "pay", "cancel", "reject", "free", "expire"):
            assert counts[f"{step}: done"] + counts[f"{step}: told"], (step, counts)


def assert_sums_up(p: Product, initial: int) -> None:
    """Fail unless each piece is available, reserved or sold, by the stock and by the ledger."""
    stock = Stock.objects.get(product=p)
    lines = ReservationLine.objects.filter(product=p)
    held = dict(lines.values_list("reservation__status").annotate(units=Sum("quantity")).order_by())
    reserved, sold = held.get("reserved", 0), held.get("committed", 0)
    available = stock.on_hand - stock.reserved
    assert stock.reserved == reserved
    assert available + reserved + sold == initial
    assert ledger_of(p) == (stock.on_hand, stock.reserved)


def failures() -> Counter[str]:
    """Return why events could not be handled at first, by the error's name."""
    errors = InboxEvent.objects.exclude(error="").values_list("error", flat=True)
    return Counter(
        next(name for name in ("ReservationClosed", "LockNotAvailable", error) if name in error)
        for error in errors
    )
