"""A batch of staged rows becomes products: by set-based SQL in one transaction, events included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import IntegrityError, OperationalError, connection, transaction
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

from apps.catalog_service import conf
from apps.catalog_service.models import MovementKind
from apps.catalog_service.services import prices, search, stored_pictures
from apps.catalog_service.services.importing import naming, telling
from apps.catalog_service.services.importing.naming import Ambiguous, NewProduct
from apps.catalog_service.services.importing.reading import Refusal
from chassis import json
from chassis.ids import uuid7

BATCH: Final = 1000
ACTOR: Final = "import_products"

_ATTEMPTS: Final = 5
_ONE_AT_A_TIME: Final = 0x49_4D_50_54
# unique_violation, foreign_key_violation, deadlock_detected
_RACES: Final = frozenset({"23505", "23503", "40P01"})

# Imports take turns batch by batch. Against the API's edits, which last milliseconds, a batch may
# wait longer than a request may. Foreign keys are checked where they are written, not at commit.
_BEGIN: Final = """
SET LOCAL lock_timeout = '5min';
SET LOCAL statement_timeout = '10min';
SET CONSTRAINTS ALL IMMEDIATE;
"""
_TURN: Final = "SELECT pg_advisory_xact_lock(%s)"
# The second bound lets a merge of the two indexes begin where the batch does.
_PICK: Final = """
SELECT r.row, r.sku, r.name, r.slug, r.category, p.id IS NULL
FROM import_row r LEFT JOIN product p ON p.sku = r.sku AND p.sku > %(after)s
WHERE r.sku > %(after)s ORDER BY r.sku LIMIT %(limit)s
"""
# As one JSON text: a text is quoted in C, an array value by value in Python.
_KEPT: Final = """
WITH kept AS (
    SELECT k.id, k.slug, k.category_id, r.*
    FROM json_to_recordset(%(kept)s::json) AS k (sku text, id uuid, slug text, category_id uuid)
    JOIN (SELECT sku, name, price, description, status, image_url, attributes FROM import_row
          WHERE sku BETWEEN %(first)s AND %(last)s) AS r USING (sku)
)
"""
_NEW_VALUES: Final = """
(k.name, k.category_id, %(currency)s, coalesce(k.description, p.description),
 coalesce(k.image_url, p.image_url), coalesce(k.attributes, p.attributes), coalesce(k.status, p.status))
"""
_OLD_VALUES: Final = (
    "(p.name, p.category_id, p.currency, p.description, p.image_url, p.attributes, p.status)"
)
# Only rows that differ are locked, in the order of their skus; where one had to be waited for,
# PostgreSQL looks at its newest version again.
_LOCK_CHANGED: Final = f"""
{_KEPT}
SELECT p.id, p.price, p.status, {_NEW_VALUES} IS DISTINCT FROM {_OLD_VALUES},
       p.image_url, coalesce(k.image_url, p.image_url)
FROM kept k JOIN product p USING (sku)
WHERE k.price <> p.price OR {_NEW_VALUES} IS DISTINCT FROM {_OLD_VALUES}
ORDER BY p.sku FOR NO KEY UPDATE OF p
"""  # noqa: S608 -- put together from constants alone
_ANSWER: Final = "p.id, p.sku, p.slug, p.name, p.price, p.currency, p.status"
_UPDATE: Final = f"""
{_KEPT}
UPDATE product p
SET price = k.price, version = p.version + 1, updated_at = statement_timestamp(),
    (name, category_id, currency, description, image_url, attributes, status) = ROW {_NEW_VALUES}
FROM kept k WHERE p.sku = k.sku AND p.id = ANY(%(changed)s)
RETURNING {_ANSWER}
"""  # noqa: S608 -- put together from constants alone
_INSERT: Final = f"""
{_KEPT}
INSERT INTO product AS p (id, sku, slug, name, description, category_id, price, currency, image_url,
                          attributes, status, created_at, updated_at)
SELECT k.id, k.sku, k.slug, k.name, coalesce(k.description, ''), k.category_id, k.price, %(currency)s,
       coalesce(k.image_url, ''), coalesce(k.attributes, '{{}}'), coalesce(k.status, 'active'),
       statement_timestamp(), statement_timestamp()
FROM kept k WHERE k.id IS NOT NULL ORDER BY k.sku
ON CONFLICT (sku) DO NOTHING
RETURNING {_ANSWER}
"""  # noqa: S608 -- put together from constants alone
_INSERT_STOCK: Final = """
WITH made AS (
    INSERT INTO stock (product_id, on_hand, reserved) SELECT unnest(%(ids)s::uuid[]), %(on_hand)s, 0
    RETURNING product_id, on_hand
)
INSERT INTO stock_movement (product_id, kind, on_hand, reserved, actor, reason, at)
SELECT product_id, %(kind)s, on_hand, 0, %(actor)s, %(reason)s, statement_timestamp()
FROM made WHERE on_hand > 0
"""


class _Raced(Exception):
    """Someone else made a product of the batch while it was applied."""


class _Picked(NamedTuple):
    row: int
    sku: str
    name: str
    slug: str | None
    category: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of the rows up to and including sku `last`."""

    last: str = ""
    rows: int = 0
    created: int = 0
    updated: int = 0
    refusals: list[Refusal] = field(default_factory=list)


def apply_batch(*, after: str, on_hand: int, reason: str, actor: str = ACTOR) -> Batch:
    """Apply the staged rows that follow the sku `after`, all or none; one of no rows when none follows.

    A savepoint inside a transaction, a transaction of its own outside of one. Begun anew, a few
    times, where someone else's write comes between.

    Args:
        after: the last sku of the batch before, or "".
        on_hand: pieces of each new product.
        reason: what the ledger says about them.
        actor: who the ledger and the history of prices name.
    """
    for attempt in Retrying(
        retry=retry_if_exception(_is_race),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random(0, 0.1),
        reraise=True,
    ):
        with attempt, transaction.atomic():
            return _apply(after=after, on_hand=on_hand, reason=reason, actor=actor)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _is_race(error: BaseException) -> bool:
    if isinstance(error, IntegrityError | OperationalError):
        return getattr(error.__cause__, "sqlstate", None) in _RACES
    return isinstance(error, _Raced)


def _apply(*, after: str, on_hand: int, reason: str, actor: str) -> Batch:
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN)
        cursor.execute(_TURN, [_ONE_AT_A_TIME])
        cursor.execute(_PICK, {"after": after, "limit": BATCH})
        picked = [_Picked(*row) for row in cursor.fetchall()]
    if not picked:
        return Batch(last=after)
    slugs, refusals = _choose_slugs(picked)
    categories, ambiguous = _choose_categories(picked, {r.number for r in refusals})
    kept = [p for p in picked if p.category in categories and (not p.is_new or p.sku in slugs)]
    created = updated = 0
    if kept:
        arguments = _arguments(kept, slugs, categories)
        changed = _update(arguments, actor=actor)
        made = _insert(
            arguments, sum(p.is_new for p in kept), on_hand=on_hand, reason=reason, actor=actor
        )
        _learn(changed, made)
        updated, created = len(changed), len(made)
    return Batch(
        last=picked[-1].sku,
        rows=len(picked),
        created=created,
        updated=updated,
        refusals=sorted(refusals + ambiguous, key=lambda refusal: refusal.number),
    )


def _choose_slugs(picked: Sequence[_Picked]) -> tuple[dict[str, str], list[Refusal]]:
    new = [p for p in picked if p.is_new]
    slugs = naming.find_slugs([NewProduct(p.sku, p.name, p.slug) for p in new])
    return slugs, [
        Refusal(p.row, f"slug {p.slug or 'of the name'} belongs to another product")
        for p in new
        if p.sku not in slugs
    ]


def _choose_categories(
    picked: Sequence[_Picked], refused: set[int]
) -> tuple[dict[str, UUID], list[Refusal]]:
    found = naming.find_or_create_categories(p.category for p in picked if p.row not in refused)
    ambiguous = {name: which for name, which in found.items() if isinstance(which, Ambiguous)}
    refusals = [
        Refusal(
            p.row,
            f"category {p.category} is the name of several: "
            f"give one's slug, of {', '.join(ambiguous[p.category].slugs)}",
        )
        for p in picked
        if p.row not in refused and p.category in ambiguous
    ]
    return {name: id_ for name, id_ in found.items() if isinstance(id_, UUID)}, refusals


def _arguments(
    kept: Sequence[_Picked], slugs: Mapping[str, str], categories: Mapping[str, UUID]
) -> dict[str, Any]:
    rows = [
        {
            "sku": p.sku,
            "id": uuid7() if p.is_new else None,
            "slug": slugs.get(p.sku),
            "category_id": categories[p.category],
        }
        for p in kept
    ]
    return {
        "kept": json.encode(rows).decode(),
        "first": kept[0].sku,
        "last": kept[-1].sku,
        "currency": conf.currency(),
    }


def _update(arguments: Mapping[str, Any], *, actor: str) -> list[telling.Change]:
    """Change what differs, and tell of it; return what changed."""
    before = _lock_changed(arguments)
    if not before:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, {**arguments, "changed": list(before)})
        products = [telling.Product(*row) for row in cursor.fetchall()]
    changed = [telling.Change(product, *before[product.product_id]) for product in products]
    repriced = [c.product.product_id for c in changed if c.product.price != c.old_price]
    prices.record_prices(repriced, actor=actor)
    for change in changed:
        stored_pictures.remove_replaced_on_commit(
            change.product.product_id, old_url=change.old_image_url, new_url=change.image_url
        )
    telling.publish_changes(changed)
    return changed


def _lock_changed(arguments: Mapping[str, Any]) -> dict[UUID, tuple[Decimal, str, bool, str]]:
    """Return what a `telling.Change` holds beside the product, of each that differs."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_CHANGED, arguments)
        return {id_: (*before,) for id_, *before in cursor.fetchall()}


def _insert(
    arguments: Mapping[str, Any], expected: int, *, on_hand: int, reason: str, actor: str
) -> list[telling.Product]:
    """Make the new products with their stock, and tell of them; return them."""
    if not expected:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, arguments)
        made = [telling.Product(*row) for row in cursor.fetchall()]
        if len(made) != expected:
            raise _Raced
        cursor.execute(
            _INSERT_STOCK,
            {
                "ids": [product.product_id for product in made],
                "on_hand": on_hand,
                "kind": MovementKind.INITIAL,
                "actor": actor,
                "reason": reason,
            },
        )
    prices.record_prices([p.product_id for p in made], actor=actor)
    telling.publish_created(made)
    return made


def _learn(changed: Sequence[telling.Change], made: Sequence[telling.Product]) -> None:
    """Let search know new words. Last, for others may wait for the same ones until the batch ends."""
    worded = [change.product for change in changed if change.other_changed] + list(made)
    if worded:
        search.learn([product.product_id for product in worded])
