"""Stock: every change is a conditional UPDATE and a row of the ledger."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.catalog_service.errors import StockFull, StockShort
from apps.catalog_service.models import MovementKind, Product, StockMovement
from chassis.errors import NotFound

MOST_ON_HAND: Final = 1_000_000_000

# Rows are locked in key order, so that two changes of several products cannot lock each other out.
_LOCK: Final = """
SELECT product_id, on_hand - reserved FROM stock
WHERE product_id = ANY(%s) ORDER BY product_id FOR UPDATE
"""
_CHANGE: Final = """
UPDATE stock SET
    on_hand = stock.on_hand + change.on_hand, reserved = stock.reserved + change.reserved
FROM unnest(%s::uuid[], %s::int[], %s::int[]) AS change (product_id, on_hand, reserved)
WHERE stock.product_id = change.product_id
  AND stock.reserved + change.reserved BETWEEN 0 AND stock.on_hand + change.on_hand
  AND stock.on_hand <= %s - change.on_hand
"""


def lock_stock(product_ids: list[UUID]) -> dict[UUID, int]:
    """Lock the products' stock until the transaction ends; return what is available of each."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [product_ids])
        return dict(cursor.fetchall())


def move_stock(
    kind: MovementKind,
    changes: Mapping[UUID, tuple[int, int]],
    *,
    actor: str,
    reason: str = "",
    order_id: UUID | None = None,
) -> bool:
    """Apply the changes and note them in the ledger; return False, having done nothing, if one does not fit.

    Needs a transaction; lock several products by `lock_stock` first.

    Args:
        kind: why.
        changes: (on_hand, reserved) to add, by product id.
        actor: who.
        reason: in words, for people.
        order_id: for whom, if for an order.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        ids = list(changes)
        on_hand, reserved = ([changes[id_][column] for id_ in ids] for column in (0, 1))
        cursor.execute(_CHANGE, [ids, on_hand, reserved, MOST_ON_HAND])
        if cursor.rowcount != len(ids):
            transaction.set_rollback(True)
            return False
        StockMovement.objects.bulk_create(
            StockMovement(
                product_id=id_,
                kind=kind,
                on_hand=changes[id_][0],
                reserved=changes[id_][1],
                order_id=order_id,
                actor=actor,
                reason=reason,
            )
            for id_ in ids
        )
    return True


def adjust_stock(*, slug: str, quantity: int, reason: str, actor: str) -> None:
    """Add pieces to a product's stock, or take unreserved ones away.

    Raises:
        NotFound: there is no such product.
        StockShort: less than is reserved would be left.
        StockFull: more would be on hand than can be counted.
    """
    with transaction.atomic(durable=True):
        product_id = Product.objects.filter(slug=slug).values_list("id", flat=True).first()
        if product_id is None:
            raise NotFound("There is no such product")
        changes = {product_id: (quantity, 0)}
        if not move_stock(MovementKind.ADJUSTED, changes, actor=actor, reason=reason):
            if quantity > 0:
                raise StockFull(f"No more than {MOST_ON_HAND} pieces can be on hand")
            raise StockShort(f"{-quantity} pieces cannot be taken: fewer are unreserved")
