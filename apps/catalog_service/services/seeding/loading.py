"""Seeded products brought into the database by COPY, in one transaction."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db import connection, transaction

from apps.catalog_service import conf
from apps.catalog_service.models import MovementKind
from apps.catalog_service.services import search
from apps.catalog_service.services.seeding import making
from apps.catalog_service.services.seeding.making import SeededCategory, SeededProduct

_ACTOR: Final = "seed"
_REASON: Final = "Seeded"
_ONE_AT_A_TIME: Final = 0x53_45_45_44
# With fewer it is no slower to fill the indexes as rows come in, and the shop stays open.
_REBUILT_FROM: Final = 400_000

_BEGIN: Final = """
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = '30s';
SET LOCAL maintenance_work_mem = '256MB';
SET CONSTRAINTS ALL IMMEDIATE
"""
_TURN: Final = "SELECT pg_advisory_xact_lock(%s)"
_COUNT: Final = """
SELECT count(*) FILTER (WHERE sku ^@ %(start)s), count(*) FILTER (WHERE NOT sku ^@ %(start)s)
FROM product
"""
_ADD_CATEGORY: Final = """
INSERT INTO category (id, slug, name, parent_id, path) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (id) DO NOTHING
"""
# Unique ones stay: they keep what was there before from being added again.
_INDEXES: Final = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = 'product'::regclass AND NOT indisunique ORDER BY 1
"""
_COPY: Final = {
    "product": """id, sku, slug, name, description, category_id, price, currency, image_url,
                  attributes, status, popularity, version, created_at, updated_at""",
    "stock": "product_id, on_hand, reserved",
    "stock_movement": "product_id, kind, on_hand, reserved, actor, reason, at",
    "price_change": "product_id, price, currency, actor, at",
    "product_sales": "product_id, date, units",
}


class MixedShop(Exception):
    """The shop has products that are not of this seed. Its text is a sentence."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many products of the seed there are now, and how many of them were added."""

    products: int
    added: int


def seed(
    *,
    products: int,
    categories: int,
    number: int = 1,
    mix: bool = False,
    progress: Callable[[str], object] = lambda _text: None,
) -> Seeded:
    """Add what the shop lacks of a seed's first products, with all that belongs to them; no events.

    One transaction: stopped on the way, nothing is added. The products are the same each time; only
    the days of their sales are counted from today.

    Args:
        products: how many of them there shall be.
        categories: of the tree that they stand in.
        number: of the seed; each has products of its own.
        mix: whether the shop may have others too.
        progress: is told what is done.

    Raises:
        MixedShop: the shop has other products, and they are not to be mixed.
    """
    with transaction.atomic(durable=True):
        present, others = _begin(making.sku_start(number))
        if others and not mix:
            raise MixedShop(f"The shop has {others:,} products that are not of seed {number}.")
        tree = making.make_categories(number, categories)
        if present < products:
            _add_categories(tree)
            much = products - present > max(others + present, _REBUILT_FROM)
            with _without_indexes(much=much, progress=progress):
                _add_products(number, present, products, tree, progress)
    if present < products:
        progress("telling the planner")
        _vacuum()
    return Seeded(max(present, products), max(0, products - present))


def _begin(start: str) -> tuple[int, int]:
    """Return how many products of the seed and how many others there are; they stay so."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN)
        cursor.execute(_TURN, [_ONE_AT_A_TIME])
        cursor.execute(_COUNT, {"start": start})
        present, others = cursor.fetchone()
    return present, others


def _add_categories(tree: Sequence[SeededCategory]) -> None:
    rows = [(c.id, c.slug, c.name, c.parent, c.path) for c in tree]
    with connection.cursor() as cursor:
        cursor.executemany(_ADD_CATEGORY, rows)


@contextlib.contextmanager
def _without_indexes(*, much: bool, progress: Callable[[str], object]) -> Iterator[None]:
    """Take the indexes of products away, and build them anew: a million rows take 2 minutes instead of 3.

    In the transaction that adds the rows, so that none is lost; the shop waits until it ends.
    """
    if not much:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES)
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        yield
        for name, definition in indexes:
            progress(f"building index {name}")
            cursor.execute(definition)


def _add_products(
    number: int,
    present: int,
    products: int,
    tree: Sequence[SeededCategory],
    progress: Callable[[str], object],
) -> None:
    names: set[str] = set()
    descriptions: set[str] = set()
    for first in range(present + 1, products + 1, making.BLOCK):
        last = min(first + making.BLOCK - 1, products)
        made = list(making.make_products(number, first, last, tree))
        _copy(made)
        names.update(word for product in made for word in product.words)
        descriptions.update(word for product in made for word in product.description.split())
        progress(f"{last:,} of {products:,} products")
    search.learn_texts(names=names, descriptions=descriptions)


def _copy(made: Sequence[SeededProduct]) -> None:
    currency, today = conf.currency(), datetime.now(tz=UTC).date()
    initial = MovementKind.INITIAL.value
    # No value has a tab, a backslash or a line's end, or is null.
    _copy_lines(
        "product",
        (
            f"{p.id}\t{p.sku}\t{p.slug}\t{p.name}\t{p.description}\t{p.category_id}\t{p.price}\t"
            f"{currency}\t\t{p.attributes}\tactive\t{p.popularity}\t1\t{p.created_at}\t{p.created_at}\n"
            for p in made
        ),
    )
    _copy_lines("stock", (f"{p.id}\t{p.on_hand}\t0\n" for p in made))
    _copy_lines(
        "stock_movement",
        (
            f"{p.id}\t{initial}\t{p.on_hand}\t0\t{_ACTOR}\t{_REASON}\t{p.created_at}\n"
            for p in made
            if p.on_hand
        ),
    )
    _copy_lines(
        "price_change",
        (
            f"{p.id}\t{price}\t{currency}\t{_ACTOR}\t{p.created_at}\n"
            for p in made
            for price in (p.old_price, p.price)
            if price
        ),
    )
    _copy_lines(
        "product_sales",
        (
            f"{p.id}\t{making.sold_on(p.number, today)}\t{p.popularity}\n"
            for p in made
            if p.popularity
        ),
    )


def _copy_lines(table: str, lines: Iterable[str]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({_COPY[table]}) FROM STDIN") as copy,
    ):
        copy.write("".join(lines))


def _vacuum() -> None:
    """Let the planner know what there is, and index-only scans know what everyone sees."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(f"VACUUM (ANALYZE) category, search_word, {', '.join(_COPY)}")
        cursor.execute("RESET statement_timeout")
