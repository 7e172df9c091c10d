"""Reads: carts as their users see them, by what catalog tells now or told last."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from apps.order_service.domain import totals
from apps.order_service.domain.lines import RequestedLine
from apps.order_service.domain.products import ProductInfo
from apps.order_service.domain.totals import PricedLine, Tariff
from apps.order_service.models import CartItem, KnownProduct

_FOR_SALE: Final = "active"
"""Catalog's word for the status of what everybody may buy."""


@dataclass(frozen=True, slots=True)
class Told:
    """What catalog answered about a line: the product, None where it is not for sale."""

    quantity: int
    product: ProductInfo | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLineView:
    """A line of a cart; what is not known is None.

    `is_current` tells whether catalog was asked just now; `as_of` is when the line was last known
    to be as it is shown.
    """

    sku: str
    name: str | None = None
    slug: str | None = None
    image_url: str | None = None
    quantity: int
    unit_price: Decimal | None = None
    line_total: Decimal | None = None
    for_sale: bool | None = None
    available: int | None = None
    in_stock: bool | None = None
    enough: bool | None = None
    is_current: bool
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CartView:
    """A cart; the totals are None where a line that is for sale has no known price."""

    lines: tuple[CartLineView, ...]
    subtotal: Decimal | None
    shipping: Decimal | None
    tax: Decimal | None
    total: Decimal | None
    currency: str
    is_current: bool


def read_cart(user_id: UUID) -> tuple[RequestedLine, ...]:
    """Return the lines of a user's cart, the oldest first."""
    rows = CartItem.objects.filter(user_id=user_id).order_by("added_at", "id")
    found = rows.values_list("sku", "quantity")
    return tuple(RequestedLine(*row, position) for position, row in enumerate(found))


def view_cart(
    lines: Sequence[RequestedLine], told: Mapping[str, Told], *, tariff: Tariff, currency: str
) -> CartView:
    """Return a cart as the API shows it; one query where catalog has not told of every line.

    Args:
        lines: from `read_cart`.
        told: what catalog answers now, by sku.
        tariff: what is added to the goods.
        currency: the shop's; a price in another one counts as not known.
    """
    unknown = [line.sku for line in lines if line.sku not in told or not told[line.sku].product]
    known = KnownProduct.objects.in_bulk(unknown) if unknown else {}
    shown = tuple(
        _current(line, told[line.sku], known.get(line.sku))
        if line.sku in told
        else _remembered(line, known.get(line.sku), currency)
        for line in lines
    )
    return CartView(
        lines=shown,
        **_sums(shown, tariff),
        currency=currency,
        is_current=all(line.is_current for line in shown),
    )


def _current(line: RequestedLine, told: Told, known: KnownProduct | None) -> CartLineView:
    product = told.product
    if product is None:
        return _withdrawn(line, known, is_current=True, as_of=told.at)
    same = told.quantity == line.quantity
    return CartLineView(
        sku=line.sku,
        name=product.name,
        slug=product.slug,
        image_url=product.image_url,
        quantity=line.quantity,
        unit_price=product.unit_price,
        line_total=_line_total(line, product.unit_price),
        for_sale=True,
        available=product.available,
        in_stock=product.in_stock,
        enough=product.enough if same else _is_enough(product.available, line.quantity),
        is_current=True,
        as_of=told.at,
    )


def _remembered(line: RequestedLine, known: KnownProduct | None, currency: str) -> CartLineView:
    if known is None:
        return CartLineView(sku=line.sku, quantity=line.quantity, is_current=False)
    as_of = known.seen_at or known.changed_at
    if known.status not in {None, _FOR_SALE}:
        return _withdrawn(line, known, is_current=False, as_of=as_of)
    price = known.price if known.currency == currency else None
    return CartLineView(
        sku=line.sku,
        name=known.name,
        slug=known.slug,
        image_url=known.image_url,
        quantity=line.quantity,
        unit_price=price,
        line_total=_line_total(line, price),
        for_sale=None if known.status is None else True,
        available=known.available,
        in_stock=None if known.available is None else known.available > 0,
        enough=_is_enough(known.available, line.quantity),
        is_current=False,
        as_of=as_of,
    )


def _withdrawn(
    line: RequestedLine, known: KnownProduct | None, *, is_current: bool, as_of: datetime
) -> CartLineView:
    """Return a line that cannot be ordered: it costs nothing, and there is none of it."""
    return CartLineView(
        sku=line.sku,
        name=known.name if known else None,
        slug=known.slug if known else None,
        image_url=known.image_url if known else None,
        quantity=line.quantity,
        for_sale=False,
        available=0,
        in_stock=False,
        enough=False,
        is_current=is_current,
        as_of=as_of,
    )


def _is_enough(available: int | None, quantity: int) -> bool | None:
    """Tell whether there is enough; None where there may be more than is shown."""
    if available is None or 0 < available < quantity:
        return None
    return available >= quantity


def _line_total(line: RequestedLine, price: Decimal | None) -> Decimal | None:
    return None if price is None else PricedLine(line.sku, "", line.quantity, price).line_total


def _sums(lines: Sequence[CartLineView], tariff: Tariff) -> dict[str, Decimal | None]:
    counted = [line for line in lines if line.for_sale is not False]
    priced = [
        PricedLine(line.sku, line.name or "", line.quantity, line.unit_price)
        for line in counted
        if line.unit_price is not None
    ]
    if len(priced) < len(counted):
        return dict.fromkeys(("subtotal", "shipping", "tax", "total"))
    return asdict(totals.add_up(priced, tariff if priced else _NOTHING))


_NOTHING: Final = Tariff(shipping=Decimal(0), tax_rate=Decimal(0))
