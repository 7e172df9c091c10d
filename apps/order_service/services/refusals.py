"""Why an order is not placed, as its customer is told."""

from collections.abc import Callable
from dataclasses import asdict

from apps.order_service.clients.catalog import ShortLine
from apps.order_service.domain.lines import from_stored
from apps.order_service.domain.totals import Totals
from apps.order_service.errors import OutOfStock, PriceChanged, UnknownSku
from apps.order_service.models import Order


def _blaming(order: Order) -> Callable[[str, str], dict[str, str]]:
    """Return a function that says which field of a sku's line is wrong.

    What came from the cart has no lines in the request: it is the whole body, and the sku.
    """
    if order.from_cart:
        return lambda sku, _: {"pointer": "#", "sku": sku}
    lines = {line.sku: line.position for line in from_stored(order.requested_lines)}
    return lambda sku, field: {"pointer": f"#/lines/{lines[sku]}/{field}"}


def out_of_stock(order: Order, short: tuple[ShortLine, ...]) -> OutOfStock:
    """Return the refusal of an order that cannot be had in full."""
    blame = _blaming(order)
    return OutOfStock(
        "Some lines cannot be had in full",
        errors=[
            {**blame(line.sku, "quantity"), "detail": _shortage(line), "code": OutOfStock.code}
            for line in short
        ],
        lines=[asdict(line) for line in short],
    )


def _shortage(line: ShortLine) -> str:
    available = "fewer" if line.available is None else str(line.available)
    return f"{line.requested} of {line.sku} wanted, {available} available"


def unknown_sku(order: Order, skus: tuple[str, ...]) -> UnknownSku:
    """Return the refusal of an order for what nobody sells."""
    blame = _blaming(order)
    return UnknownSku(
        "There is no such product: " + ", ".join(skus),
        errors=[
            {**blame(sku, "sku"), "detail": f"{sku} does not exist", "code": UnknownSku.code}
            for sku in skus
        ],
    )


def price_changed(order: Order, sums: Totals) -> PriceChanged:
    """Return the refusal of an order that costs other than the customer expects."""
    return PriceChanged(
        f"The total is {sums.total} {order.currency}, not {order.expected_total}",
        total=sums.total,
        expected_total=order.expected_total,
        currency=order.currency,
    )
