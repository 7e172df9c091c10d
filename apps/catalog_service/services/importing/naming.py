"""What the rows of a batch are called: free slugs for new products, and categories by their names."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils.text import slugify

from apps.catalog_service import conf
from chassis import json
from chassis.ids import uuid7

# As one JSON text: a text is quoted in C, an array value by value in Python.
_GIVEN: Final = "SELECT json_array_elements_text(%s::json)"
_TAKEN: Final = f"SELECT slug FROM product WHERE slug IN ({_GIVEN})"  # noqa: S608 -- constants alone
_ASKED_FOR: Final = f"SELECT slug FROM import_row WHERE slug IN ({_GIVEN})"  # noqa: S608 -- constants alone
# The database lowers both sides: Python's rules for letters beyond ASCII differ from its own.
_CATEGORIES: Final = r"""
SELECT given.name, category.id, category.slug
FROM unnest(%s::text[]) AS given (name)
JOIN category
  ON lower(regexp_replace(btrim(category.name), '\s+', ' ', 'g')) = lower(given.name)
ORDER BY category.slug
"""
_CATEGORIES_BY_SLUG: Final = "SELECT slug, id FROM category WHERE slug = ANY(%s)"
_CREATE_CATEGORY: Final = """
INSERT INTO category (id, slug, name) VALUES (%s, %s, %s) ON CONFLICT (slug) DO NOTHING
"""


class NewProduct(NamedTuple):
    """As much of a new product as its slug is made of; `slug` is the one that its row asks for."""

    sku: str
    name: str
    slug: str | None


def find_slugs(products: Sequence[NewProduct]) -> dict[str, str]:
    """Return a free slug of each new product by sku; one that cannot have the slug it asks for is left out.

    The first one gets a slug that several would have; a slug that any row of the file asks for is left to
    that row. A product made by someone else in the meantime may still take one: the unique constraint decides.
    """
    slugs: dict[str, str] = {}
    asking = {p.sku: p.slug for p in products if p.slug}
    taken = _select(_TAKEN, asking.values()) | conf.RESERVED_SLUGS
    for sku, slug in asking.items():
        if slug not in taken:
            slugs[sku] = slug
            taken.add(slug)
    for choose in (_of_name, _of_name_and_sku, _of_digest):
        candidates = {p.sku: choose(p) for p in products if not p.slug and p.sku not in slugs}
        taken |= _select(_TAKEN, candidates.values()) | _select(_ASKED_FOR, candidates.values())
        for sku, slug in candidates.items():
            if slug not in taken:
                slugs[sku] = slug
                taken.add(slug)
    return slugs


def _of_name(product: NewProduct) -> str:
    return slugify(product.name)[:100].strip("-") or slugify(product.sku) or "product"


def _of_name_and_sku(product: NewProduct) -> str:
    of_sku = slugify(product.sku)
    return f"{_of_name(product)[: 119 - len(of_sku)]}-{of_sku}"


def _of_digest(product: NewProduct) -> str:
    """Return a slug that nobody else makes by chance: skus that differ by a dot alone slugify the same."""
    digest = hashlib.sha256(product.sku.encode()).hexdigest()[:12]
    return f"{_of_name(product)[:107]}-{digest}"


def _select(statement: str, slugs: Collection[str]) -> set[str]:
    if not slugs:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.encode(list(slugs)).decode()])
        return {row[0] for row in cursor.fetchall()}


class Ambiguous(NamedTuple):
    """Several categories have the name; each has a slug of its own."""

    slugs: tuple[str, ...]


def find_or_create_categories(names: Iterable[str]) -> Mapping[str, UUID | Ambiguous]:
    """Return the category of each name, whatever its letters' case and spaces; make those that are missing.

    Needs a transaction. A name that no category has, but that is a category's slug, means that one.
    """
    wanted = sorted(set(names))
    found = _find_categories(wanted)
    for name in wanted:
        # One made for "Tea" is there for "tea" as well.
        if name not in found:
            found |= _find_categories([name]) or _create_category(name)
    return found


def _find_categories(names: list[str]) -> dict[str, UUID | Ambiguous]:
    with connection.cursor() as cursor:
        cursor.execute(_CATEGORIES_BY_SLUG, [names])
        found: dict[str, UUID | Ambiguous] = dict(cursor.fetchall())
        cursor.execute(_CATEGORIES, [names])
        by_name: dict[str, list[tuple[UUID, str]]] = {}
        for name, id_, slug in cursor.fetchall():
            by_name.setdefault(name, []).append((id_, slug))
    for name, categories in by_name.items():
        if len(categories) == 1:
            found[name] = categories[0][0]
        elif name not in found:
            found[name] = Ambiguous(tuple(slug for _, slug in categories))
    return found


def _create_category(name: str) -> dict[str, UUID | Ambiguous]:
    """Make a category at the top of the tree; with its slug taken, the next free one of slug-2, slug-3, ...

    Where staff makes the same one at the same moment, the insert waits for theirs, which is then found.
    """
    base = slugify(name)[:90].strip("-") or "category"
    number = 1
    while True:
        id_ = uuid7()
        slug = base if number == 1 else f"{base}-{number}"
        with connection.cursor() as cursor:
            cursor.execute(_CREATE_CATEGORY, [id_, slug, name])
            if cursor.rowcount:
                return {name: id_}
        if found := _find_categories([name]):
            return found
        number += 1
