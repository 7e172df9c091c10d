"""Carts: what a user means to order, until the check-out takes it.

Whoever adds lines, or touches several, holds the lock of the cart: their number stays within the
limit, and nobody waits for another's rows in a circle.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.utils import timezone

from apps.order_service import clients, conf, selectors
from apps.order_service.domain.lines import (
    MOST_LINES,
    RequestedLine,
    from_stored,
    is_sku,
    merge_lines,
)
from apps.order_service.domain.products import ProductInfo
from apps.order_service.errors import CartEmpty, CartFull, UnknownSku
from apps.order_service.models import CartItem, Order
from apps.order_service.selectors import CartView, Told
from apps.order_service.services import products
from chassis.rest import Unavailable

_NOTHING_TOLD: Final[Mapping[str, Told]] = {}

log = structlog.get_logger()


def show_cart(*, user_id: UUID, country: str) -> CartView:
    """Return a user's cart with prices and stock as catalog has them, or as they were last known.

    Must not run inside a transaction. Whatever catalog tells is remembered.
    """
    lines = selectors.read_cart(user_id)
    return _view(lines, _ask(lines), country)


def put_item(*, user_id: UUID, sku: str, quantity: int, country: str) -> CartView:
    """Let the cart hold this many of a product; return the cart. Idempotent.

    Opens its own transaction. While catalog is unreachable any sku is taken.

    Raises:
        UnknownSku: the product is not for sale.
        CartFull: the cart has as many lines as an order may have.
    """
    if not is_sku(sku):
        raise UnknownSku(f"There is no such product: {sku}")
    told = _ask(_with_item(selectors.read_cart(user_id), sku, quantity))
    if sku in told and told[sku].product is None:
        raise UnknownSku(f"There is no such product: {sku}")
    with transaction.atomic(durable=True):
        _lock_cart(user_id)
        lines = _with_item(selectors.read_cart(user_id), sku, quantity)
        CartItem.objects.bulk_create(
            [CartItem(user_id=user_id, sku=sku, quantity=quantity)],
            update_conflicts=True,
            unique_fields=["user_id", "sku"],
            update_fields=["quantity", "changed_at"],
        )
    return _view(lines, told, country)


def remove_item(*, user_id: UUID, sku: str) -> None:
    """Take a product out of a user's cart, if it is there. Idempotent."""
    if is_sku(sku):  # the database cannot be asked about any text: NUL is none
        CartItem.objects.filter(user_id=user_id, sku=sku).delete()


def clear_cart(*, user_id: UUID) -> None:
    """Take everything out of a user's cart. Idempotent; opens its own transaction."""
    with transaction.atomic(durable=True):
        _lock_cart(user_id)
        CartItem.objects.filter(user_id=user_id).delete()


def take_lines(user_id: UUID) -> tuple[RequestedLine, ...]:
    """Take the lines out of a user's cart and return them. Needs the transaction that orders them.

    Raises:
        CartEmpty: there are none.
    """
    _lock_cart(user_id)
    lines = selectors.read_cart(user_id)
    if not lines:
        raise CartEmpty
    CartItem.objects.filter(user_id=user_id, sku__in=[line.sku for line in lines]).delete()
    return lines


def put_back(order_id: UUID) -> None:
    """Put the lines of an order that came from the cart there again, if they did.

    Needs the transaction in which the order ends. What is in the cart again stays as it is; lines
    beyond the limit are left out.
    """
    order = Order.objects.filter(id=order_id, from_cart=True).first()
    if order is None:
        return
    _lock_cart(order.user_id)
    there = {line.sku for line in selectors.read_cart(order.user_id)}
    missing = [line for line in from_stored(order.requested_lines) if line.sku not in there]
    kept = missing[: MOST_LINES - len(there)]
    CartItem.objects.bulk_create(
        CartItem(
            user_id=order.user_id,
            sku=line.sku,
            quantity=line.quantity,
            added_at=order.created_at,
        )
        for line in kept
    )
    if len(kept) < len(missing):
        log.warning("cart_lines_left_out", order_id=str(order_id), lines=len(missing) - len(kept))


def _lock_cart(user_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"cart:{user_id}"])


def _with_item(
    lines: Sequence[RequestedLine], sku: str, quantity: int
) -> tuple[RequestedLine, ...]:
    """Return the lines with this many of a product; a new one comes last.

    Raises:
        CartFull: they would be too many.
    """
    quantities = {line.sku: line.quantity for line in lines} | {sku: quantity}
    if len(quantities) > MOST_LINES:
        raise CartFull(f"A cart has at most {MOST_LINES} lines", limit=MOST_LINES)
    return merge_lines(quantities.items())


def _view(lines: Sequence[RequestedLine], told: Mapping[str, Told], country: str) -> CartView:
    return selectors.view_cart(lines, told, tariff=conf.tariff(country), currency=conf.currency())


def _ask(lines: Sequence[RequestedLine]) -> Mapping[str, Told]:
    """Return what catalog tells of the lines, by sku; nothing while it is unreachable."""
    if not lines:
        return _NOTHING_TOLD
    try:
        found = _look_up(lines)
    except Unavailable as error:
        log.warning("cart_not_current", reason=str(error))
        return _NOTHING_TOLD
    now = timezone.now()
    products.remember_products(found, now=now)
    by_sku = {product.sku: product for product in found}
    return {line.sku: Told(line.quantity, by_sku.get(line.sku), now) for line in lines}


def _look_up(lines: Sequence[RequestedLine]) -> tuple[ProductInfo, ...]:
    found = clients.catalog().look_up(lines)
    if any(product.currency != conf.currency() for product in found):
        log.error("products_in_other_currency")
        raise Unavailable(f"catalog's prices are not in {conf.currency()}")
    return found
