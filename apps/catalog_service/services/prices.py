"""Prices: their history, and many changed at once by a rule."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.catalog_service import events
from apps.catalog_service.domain.pricing import HIGHEST, PriceRule
from apps.catalog_service.errors import PriceTooHigh
from apps.catalog_service.models import Product
from chassis import audit
from chassis.events import publish_all
from chassis.ids import uuid7

_RECORD: Final = """
INSERT INTO price_change (product_id, price, currency, actor, at)
SELECT id, price, currency, %s, statement_timestamp() FROM product WHERE id = ANY(%s) ORDER BY id
"""
# In the order in which imports lock products, or the two would lock each other out.
_LOCK: Final = """
SELECT id, sku, name, price FROM product WHERE id = ANY(%s) ORDER BY sku FOR NO KEY UPDATE
"""
_CHANGE: Final = """
UPDATE product SET price = new.price, version = version + 1, updated_at = statement_timestamp()
FROM unnest(%s::uuid[], %s::numeric[]) AS new (id, price)
WHERE product.id = new.id
RETURNING product.id, product.currency
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a product costs, and would by a rule."""

    product_id: UUID
    sku: str
    name: str
    old: Decimal
    new: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Repriced:
    """How many prices changed, and which were left: they were no longer what was expected."""

    changed: int
    skipped: tuple[Preview, ...]


def actor_of(by: UUID | None) -> str:
    """Return how the history names a user, or what runs by itself."""
    return f"user:{by}" if by else "system"


def record_prices(product_ids: Collection[UUID], *, actor: str) -> None:
    """Add what the products cost now to their history. Needs the transaction that changed the prices.

    Args:
        product_ids: of those that are new or cost something else.
        actor: who changed them: `user:<id>`, or what runs by itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [actor, list(product_ids)])


def preview(product_ids: Sequence[UUID], change: PriceRule) -> list[Preview]:
    """Return what the rule makes of the products' prices, in the order of their skus; one query.

    Raises:
        PriceTooHigh: it makes one that no product can have.
    """
    rows = Product.objects.filter(id__in=product_ids).order_by("sku")
    return _apply(rows.values_list("id", "sku", "name", "price"), change)


def reprice(
    *,
    product_ids: Sequence[UUID],
    change: PriceRule,
    by: UUID | None,
    expected: Mapping[UUID, Decimal] | None = None,
) -> Repriced:
    """Change the products' prices by a rule, all or none; note and tell each that changed.

    Args:
        product_ids: which ones; an unknown one is left out.
        change: the rule.
        by: the user; None for what runs by itself.
        expected: what the products cost when the change was decided, by id. With it, one that costs
            something else by now is skipped, so that a change sent twice is made once.

    Raises:
        PriceTooHigh: it makes a price that no product can have.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [list(product_ids)])
            rows = _apply(cursor.fetchall(), change)
        left = {r.product_id for r in rows if (expected or {}).get(r.product_id, r.old) != r.old}
        skipped = tuple(row for row in rows if row.product_id in left)
        changed = [row for row in rows if row.new != row.old and row.product_id not in left]
        if changed:
            _write(changed, by=by)
            if by:
                _note(changed, change, by=by, skipped=len(skipped))
    return Repriced(changed=len(changed), skipped=skipped)


def _apply(rows: Iterable[tuple[UUID, str, str, Decimal]], change: PriceRule) -> list[Preview]:
    made = []
    for product_id, sku, name, old in rows:
        new = change.apply(old)
        if new > HIGHEST:
            raise PriceTooHigh(f"{sku} would cost {new}; the highest price is {HIGHEST}")
        made.append(Preview(product_id=product_id, sku=sku, name=name, old=old, new=new))
    return made


def _write(changed: Sequence[Preview], *, by: UUID | None) -> None:
    ids = [row.product_id for row in changed]
    with connection.cursor() as cursor:
        cursor.execute(_CHANGE, [ids, [row.new for row in changed]])
        currencies = dict(cursor.fetchall())
    record_prices(ids, actor=actor_of(by))
    publish_all(
        events.ProductPriceChanged,
        (
            (
                str(row.product_id),
                events.ProductPriceChanged(
                    product_id=row.product_id,
                    sku=row.sku,
                    old_price=row.old,
                    new_price=row.new,
                    currency=currencies[row.product_id],
                ),
            )
            for row in changed
        ),
    )


def _note(changed: Sequence[Preview], change: PriceRule, *, by: UUID, skipped: int) -> None:
    """Note the run; what each product cost is in its history."""
    audit.record(
        "prices.changed",
        target_type="prices",
        target_id=uuid7(),
        actor_id=by,
        kind=change.kind,
        value=str(change.value),
        rounding=str(change.rounding),
        ending=str(change.ending),
        changed=len(changed),
        skipped=skipped,
        # Enough to find the run by.
        skus=[row.sku for row in changed[:20]],
    )
