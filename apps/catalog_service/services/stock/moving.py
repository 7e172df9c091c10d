"""Moving stock: several products at once, all or none, with the ledger and the events in one go."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.utils import timezone

from apps.catalog_service import conf, events
from apps.catalog_service.models import MovementKind, Product
from chassis import database
from chassis.events import publish

MOST_ON_HAND: Final = 1_000_000_000

# Rows are locked in key order, so that two changes of several products cannot lock each other out;
# `locked` returns them as they are once nobody else holds them. The UPDATE needs the count of those
# that fit, and so begins when all are locked. It adds to the locked values and not to the table's:
# PostgreSQL checks a new row against the CHECK before it notices that the one it read is outdated.
# All in one round trip, on which an order's speed depends.
_MOVE: Final = """
WITH change AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(on_hand)s::int[], %(reserved)s::int[], %(reasons)s::text[])
        AS change (product_id, on_hand, reserved, reason)
), locked AS (
    SELECT product_id, on_hand, reserved FROM stock
    WHERE product_id = ANY(%(ids)s::uuid[]) ORDER BY product_id FOR UPDATE
), fitting AS (
    SELECT change.*, locked.on_hand + change.on_hand AS new_on_hand,
           locked.reserved + change.reserved AS new_reserved
    FROM change JOIN locked USING (product_id)
    WHERE locked.reserved + change.reserved BETWEEN 0 AND locked.on_hand + change.on_hand
      AND locked.on_hand <= %(most)s - change.on_hand
), moved AS (
    UPDATE stock SET on_hand = new_on_hand, reserved = new_reserved
    FROM fitting
    WHERE stock.product_id = fitting.product_id
      AND (SELECT count(*) FROM fitting) = cardinality(%(ids)s::uuid[])
    RETURNING fitting.*
), noted AS (
    INSERT INTO stock_movement (product_id, kind, on_hand, reserved, order_id, actor, reason, at)
    SELECT product_id, %(kind)s, on_hand, reserved, %(order_id)s::uuid, %(actor)s, reason, %(now)s
    FROM moved ORDER BY product_id
)
SELECT product_id, on_hand - reserved, EXISTS (SELECT FROM moved) FROM locked
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """Whether the changes were applied, and how much was available of each product before."""

    done: bool
    available: Mapping[UUID, int]

    def __bool__(self) -> bool:
        return self.done


def move_stock(
    kind: MovementKind,
    changes: Mapping[UUID, tuple[int, int]],
    *,
    actor: str,
    reason: str | Mapping[UUID, str] = "",
    order_id: UUID | None = None,
) -> Moved:
    """Apply the changes and note them in the ledger; do nothing if one of them does not fit.

    Needs a transaction, in which the products' stock stays locked. What falls to LOW_STOCK or to
    nothing is told in the same transaction.

    Args:
        kind: why.
        changes: (on_hand, reserved) to add, by product id.
        actor: who.
        reason: in words, for people; one for all, or by product id.
        order_id: for whom, if for an order.
    """
    ids = list(changes)
    parameters = {
        "ids": ids,
        "on_hand": [changes[id_][0] for id_ in ids],
        "reserved": [changes[id_][1] for id_ in ids],
        "reasons": [reason if isinstance(reason, str) else reason[id_] for id_ in ids],
        "kind": kind.value,
        "order_id": order_id,
        "actor": actor,
        "now": timezone.now(),
        "most": MOST_ON_HAND,
    }
    rows = database.fetch(_MOVE, parameters, prepare=True)
    moved = Moved(
        done=bool(rows) and rows[0][2], available={id_: before for id_, before, _ in rows}
    )
    if moved:
        _tell_of_falls(moved.available, changes)
    return moved


def _tell_of_falls(before: Mapping[UUID, int], changes: Mapping[UUID, tuple[int, int]]) -> None:
    """Publish what has fallen to a threshold from above it; where nothing has, at no query."""
    low = conf.low_stock()
    after = {id_: before[id_] + on_hand - reserved for id_, (on_hand, reserved) in changes.items()}
    fallen = [
        id_ for id_, now in after.items() if now <= low < before[id_] or now == 0 < before[id_]
    ]
    if not fallen:
        return
    # In key order, as the rows that number the events are locked.
    products = Product.objects.filter(id__in=fallen).order_by("id")
    for id_, sku, name in products.values_list("id", "sku", "name"):
        for event in _events(id_, sku, name, before=before[id_], after=after[id_], low=low):
            publish(event, subject=str(id_))


def _events(
    product_id: UUID, sku: str, name: str, *, before: int, after: int, low: int
) -> Iterator[events.StockLow | events.StockDepleted]:
    if after <= low < before:
        yield events.StockLow(
            product_id=product_id, sku=sku, name=name, available=after, threshold=low
        )
    if after == 0 < before:
        yield events.StockDepleted(product_id=product_id, sku=sku, name=name, available=0)
