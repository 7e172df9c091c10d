"""The catalog service: prices and stock for an order."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Protocol, TypeVar
from uuid import UUID

import httpx
import msgspec
import structlog

from apps.order_service.domain.lines import RequestedLine
from apps.order_service.domain.products import ProductInfo
from apps.order_service.domain.totals import round_to_cents
from chassis import circuit
from chassis.rest import DEADLINE_SECONDS, Broken, RestClient
from chassis.tokens.service import service_token

LOOK_UP_SECONDS: Final = 1.0
"""The deadline of a look-up: a cart can be shown without it."""

_NAME: Final = "catalog"
_LARGEST: Final = 2_147_483_647
_LOOK_UP: Final = "/internal/v1/products/lookup"
_LINE_POINTER: Final = re.compile(r"#/lines/([0-9]{1,3})(/.*)?")

# From the start of a process its health and metrics tell of this circuit.
circuit.of(_NAME)
_TOO_MUCH: Final = Decimal(10) ** 18
"""More than any column holds."""

log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReservedLine:
    """A line as catalog promises it."""

    sku: str
    name: str
    quantity: int
    unit_price: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Reservation:
    """Stock and prices that catalog keeps for an order; the order should be paid by `expires_at`."""

    order_id: UUID
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)]
    lines: tuple[ReservedLine, ...]


@dataclass(frozen=True, slots=True)
class ShortLine:
    """A sku that cannot be had in full; `available` is None where catalog does not say."""

    sku: str
    requested: int
    available: int | None


class StockShort(Exception):
    """Some lines cannot be had in full; nothing was reserved."""

    def __init__(self, lines: tuple[ShortLine, ...]) -> None:
        """Keep the short lines."""
        super().__init__(", ".join(line.sku for line in lines))
        self.lines = lines


class SkusUnknown(Exception):
    """Catalog sells no such products; nothing was reserved."""

    def __init__(self, skus: tuple[str, ...]) -> None:
        """Keep the skus."""
        super().__init__(", ".join(skus))
        self.skus = skus


class ReservationClosed(Exception):
    """The reservation of this order was released before; it cannot be had again."""


class Catalog(Protocol):
    """What this service asks of catalog. The calls are idempotent, and refuse open transactions."""

    def reserve(self, order_id: UUID, lines: Sequence[RequestedLine]) -> Reservation:
        """Return the reservation of the order's stock; the same one when asked again.

        Raises:
            StockShort: some lines cannot be had in full.
            SkusUnknown: some products do not exist.
            ReservationClosed: it was released before.
            Unavailable: no usable answer within 2 s; whether it is reserved is not known.
        """

    def release(self, order_id: UUID) -> None:
        """Free the order's stock, and let no late `reserve` take it again.

        Raises:
            Unavailable: no usable answer within 2 s.
        """

    def look_up(self, lines: Sequence[RequestedLine]) -> tuple[ProductInfo, ...]:
        """Return the products of these lines, at most 100, that are for sale; nothing is reserved.

        Raises:
            Unavailable: no usable answer within 1 s.
        """


class HttpCatalog:
    """Catalog over its REST API, with this service's own token."""

    def __init__(self, base_url: str) -> None:
        """Keep where it is."""
        self._rest = RestClient(_NAME, base_url, token=service_token.get)

    def reserve(self, order_id: UUID, lines: Sequence[RequestedLine]) -> Reservation:
        """See Catalog."""
        response = self._call("PUT", _reservation(order_id), _wanted(lines))
        if response.status_code in {httpx.codes.OK, httpx.codes.CREATED}:
            reservation = _read(response, Reservation)
            if {(line.sku, line.quantity) for line in reservation.lines} != {
                (line.sku, line.quantity) for line in lines
            }:
                raise _unusable(response, "it promises other lines than asked for")
            if not all(_is_price(line.unit_price) for line in reservation.lines):
                raise _unusable(response, "a price is no amount in cents")
            return reservation
        problem = _read(response, dict[str, Any])
        match problem.get("code"):
            case "out-of-stock":
                raise StockShort(tuple(_short_lines(problem, lines)))
            case "unknown-sku":
                raise SkusUnknown(tuple(line.sku for line in _pointed_at(problem, lines)))
            case "reservation-closed":
                raise ReservationClosed
        raise _unusable(response, str(problem.get("code")))

    def release(self, order_id: UUID) -> None:
        """See Catalog."""
        response = self._call("DELETE", _reservation(order_id))
        if not response.is_success:
            raise _unusable(response, "the reservation is not released")

    def look_up(self, lines: Sequence[RequestedLine]) -> tuple[ProductInfo, ...]:
        """See Catalog."""
        response = self._call("POST", _LOOK_UP, _wanted(lines), seconds=LOOK_UP_SECONDS)
        if not response.is_success:
            raise _unusable(response, "the products are not told")
        products = _read(response, _Found).products
        if not {product.sku for product in products} <= {line.sku for line in lines}:
            raise _unusable(response, "it tells of products that were not asked about")
        if not all(_is_price(product.unit_price) for product in products):
            raise _unusable(response, "a price is no amount in cents")
        if not all(0 <= product.available <= _LARGEST for product in products):
            raise _unusable(response, "a stock is no number of pieces")
        return products

    def _call(
        self, method: str, path: str, body: Any = None, *, seconds: float = DEADLINE_SECONDS
    ) -> httpx.Response:
        """Call within the time in all; a token that catalog refuses is replaced once."""
        deadline = time.monotonic() + seconds
        response = self._once(method, path, body, deadline)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            service_token.forget()
            response = self._once(method, path, body, deadline)
        return response

    def _once(self, method: str, path: str, body: Any, deadline: float) -> httpx.Response:
        return self._rest.request(
            method,
            path,
            body=body,
            idempotent=True,
            deadline_seconds=deadline - time.monotonic(),
        )


@dataclass(frozen=True, slots=True)
class _Found:
    products: tuple[ProductInfo, ...]


def _reservation(order_id: UUID) -> str:
    return f"/internal/v1/reservations/{order_id}"


def _wanted(lines: Sequence[RequestedLine]) -> dict[str, Any]:
    return {"lines": [{"sku": line.sku, "quantity": line.quantity} for line in lines]}


def _read(response: httpx.Response, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unusable(response, str(error)) from error


def _unusable(response: httpx.Response, reason: str) -> Broken:
    """Log an answer outside of the contract; for the caller it is the same as none."""
    log.error("catalog_answer_unusable", status=response.status_code, reason=reason)
    return Broken(f"catalog answered {response.status_code}: {reason}")


def _is_price(amount: Decimal) -> bool:
    return amount.is_finite() and 0 <= amount < _TOO_MUCH and amount == round_to_cents(amount)


def _pointed_at(problem: dict[str, Any], lines: Sequence[RequestedLine]) -> Iterator[RequestedLine]:
    """Yield the lines that the problem's pointers name."""
    for entry in _objects(problem.get("errors")):
        found = _LINE_POINTER.fullmatch(str(entry.get("pointer")))
        if found and int(found[1]) < len(lines):
            yield lines[int(found[1])]


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; none of what is no list."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _short_lines(problem: dict[str, Any], lines: Sequence[RequestedLine]) -> Iterator[ShortLine]:
    available = {
        str(line.get("sku")): line.get("available") for line in _objects(problem.get("lines"))
    }
    for line in _pointed_at(problem, lines):
        yield ShortLine(line.sku, line.quantity, available.get(line.sku))
