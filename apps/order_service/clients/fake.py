"""A catalog in memory that keeps catalog's promises; passes the tests of the real one's client."""

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from apps.order_service.clients.catalog import (
    Reservation,
    ReservationClosed,
    ReservedLine,
    ShortLine,
    SkusUnknown,
    StockShort,
)
from apps.order_service.domain.lines import RequestedLine
from apps.order_service.domain.products import ProductInfo
from chassis.rest import Unavailable, refuse_inside_transaction


class FakeCatalog:
    """Sells what it is given, and counts what it is asked.

    `down` makes it unavailable; `lose_answer` makes it reserve once and then lose the answer.
    """

    def __init__(
        self, *, currency: str = "EUR", lifetime_seconds: int = 900, shown_available: int = 100
    ) -> None:
        """Start with nothing on the shelves."""
        self.down = False
        self.lose_answer = False
        self.look_ups = 0
        self.asked: Counter[UUID] = Counter()
        self.reservations: dict[UUID, Reservation] = {}
        self.released: set[UUID] = set()
        self._products: dict[str, tuple[str, Decimal]] = {}
        self._available: Counter[str] = Counter()
        self._currency = currency
        self._shown = shown_available
        self._lifetime = timedelta(seconds=lifetime_seconds)
        self._lock = threading.Lock()

    def withdraw(self, sku: str) -> None:
        """Sell a product no more."""
        del self._products[sku]

    def stock(self, sku: str, *, price: str, available: int = 1000, name: str = "") -> None:
        """Put a product on the shelves, or change its price and stock."""
        self._products[sku] = (name or f"Product {sku}", Decimal(price))
        self._available[sku] = available

    def available(self, sku: str) -> int:
        """Return how many are left."""
        return self._available[sku]

    def reserve(self, order_id: UUID, lines: Sequence[RequestedLine]) -> Reservation:
        """See Catalog."""
        refuse_inside_transaction()
        with self._lock:
            self.asked[order_id] += 1
            self._answer_or_fail()
            if order_id in self.released:
                raise ReservationClosed
            if order_id not in self.reservations:
                self._take(order_id, lines)
            if self.lose_answer:
                self.lose_answer = False
                raise Unavailable("the answer was lost")
            return self.reservations[order_id]

    def release(self, order_id: UUID) -> None:
        """See Catalog."""
        refuse_inside_transaction()
        with self._lock:
            self._answer_or_fail()
            self.released.add(order_id)
            reservation = self.reservations.pop(order_id, None)
            for line in reservation.lines if reservation else ():
                self._available[line.sku] += line.quantity

    def look_up(self, lines: Sequence[RequestedLine]) -> tuple[ProductInfo, ...]:
        """See Catalog."""
        refuse_inside_transaction()
        with self._lock:
            self.look_ups += 1
            self._answer_or_fail()
            return tuple(self._info(line) for line in lines if line.sku in self._products)

    def _answer_or_fail(self) -> None:
        if self.down:
            raise Unavailable("catalog is down")

    def _take(self, order_id: UUID, lines: Sequence[RequestedLine]) -> None:
        unknown = tuple(line.sku for line in lines if line.sku not in self._products)
        if unknown:
            raise SkusUnknown(unknown)
        short = tuple(
            ShortLine(line.sku, line.quantity, self._available[line.sku])
            for line in lines
            if self._available[line.sku] < line.quantity
        )
        if short:
            raise StockShort(short)
        for line in lines:
            self._available[line.sku] -= line.quantity
        self.reservations[order_id] = Reservation(
            order_id=order_id,
            expires_at=self._expiry(),
            lines=tuple(self._reserved(line) for line in lines),
        )

    def _info(self, line: RequestedLine) -> ProductInfo:
        name, price = self._products[line.sku]
        available = self._available[line.sku]
        return ProductInfo(
            sku=line.sku,
            name=name,
            slug=line.sku.lower(),
            image_url=f"/media/{line.sku}.jpg",
            unit_price=price,
            currency=self._currency,
            available=min(available, self._shown),
            in_stock=available > 0,
            enough=available >= line.quantity,
        )

    def _expiry(self) -> datetime:
        return timezone.now() + self._lifetime

    def _reserved(self, line: RequestedLine) -> ReservedLine:
        name, price = self._products[line.sku]
        return ReservedLine(
            sku=line.sku,
            name=name,
            quantity=line.quantity,
            unit_price=price,
            currency=self._currency,
        )
