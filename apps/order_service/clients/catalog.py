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
from apps.order_service.domain.totals import round_to_cents
from chassis.rest import DEADLINE_SECONDS, RestClient, Unavailable
from chassis.tokens.service import service_token

_LINE_POINTER: Final = re.compile(r"#/lines/([0-9]{1,3})(/.*)?")

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
    """What this service asks of catalog. Both calls are idempotent, and refuse open transactions."""

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


class HttpCatalog:
    """Catalog over its REST API, with this service's own token."""

    def __init__(self, base_url: str) -> None:
        """Keep where it is."""
        self._rest = RestClient("catalog", base_url, token=service_token.get)

    def reserve(self, order_id: UUID, lines: Sequence[RequestedLine]) -> Reservation:
        """See Catalog."""
        wanted = [{"sku": line.sku, "quantity": line.quantity} for line in lines]
        response = self._call("PUT", order_id, {"lines": wanted})
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
        response = self._call("DELETE", order_id, None)
        if response.is_error:
            raise _unusable(response, "the reservation is not released")

    def _call(self, method: str, order_id: UUID, body: Any) -> httpx.Response:
        """Call within 2 s in all; a token that catalog refuses is replaced once."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        response = self._once(method, order_id, body, deadline)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            service_token.forget()
            response = self._once(method, order_id, body, deadline)
        return response

    def _once(self, method: str, order_id: UUID, body: Any, deadline: float) -> httpx.Response:
        return self._rest.request(
            method,
            f"/internal/v1/reservations/{order_id}",
            body=body,
            idempotent=True,
            deadline_seconds=deadline - time.monotonic(),
        )


def _read(response: httpx.Response, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unusable(response, str(error)) from error


def _unusable(response: httpx.Response, reason: str) -> Unavailable:
    """Log an answer outside of the contract; for the caller it is the same as none."""
    log.error("catalog_answer_unusable", status=response.status_code, reason=reason)
    return Unavailable(f"catalog answered {response.status_code}: {reason}")


def _is_price(amount: Decimal) -> bool:
    return amount.is_finite() and amount >= 0 and amount == round_to_cents(amount)


def _pointed_at(problem: dict[str, Any], lines: Sequence[RequestedLine]) -> Iterator[RequestedLine]:
    """Yield the lines that the problem's pointers name."""
    for entry in problem.get("errors") or []:
        found = _LINE_POINTER.fullmatch(str(entry.get("pointer")))
        if found and int(found[1]) < len(lines):
            yield lines[int(found[1])]


def _short_lines(problem: dict[str, Any], lines: Sequence[RequestedLine]) -> Iterator[ShortLine]:
    available = {
        line.get("sku"): line.get("available")
        for line in problem.get("lines") or []
        if isinstance(line, dict)
    }
    for line in _pointed_at(problem, lines):
        yield ShortLine(line.sku, line.quantity, available.get(line.sku))
