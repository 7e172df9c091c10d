"""Products as a CSV that an import takes back unchanged (ADR 0026)."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import F, QuerySet, TextField
from django.db.models.functions import Cast

from apps.catalog_service.errors import UnknownCategory
from apps.catalog_service.models import Category, Product
from apps.catalog_service.selectors import categories
from apps.catalog_service.services.importing import FIELDS
from chassis.exporting import TextFile
from chassis.spreadsheets import BYTE_ORDER_MARK, without_formulas

BATCH: Final = 1000
STOCK_COLUMNS: Final = ("on_hand", "reserved", "available")
COLUMNS: Final = (*FIELDS, *STOCK_COLUMNS)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which products: of a category and all below it, of statuses, of skus. What is empty excludes none."""

    category: str = ""
    statuses: Sequence[str] = ()
    skus: Sequence[str] = ()


def count_products(selection: Selection) -> int:
    """Return how many products an export would hold.

    Raises:
        UnknownCategory: no category has the slug.
    """
    return _chosen(selection).count()


def write_products(
    file: TextFile, selection: Selection, *, for_spreadsheets: bool = False
) -> Iterator[int]:
    """Write the products in sku order, a line of column names first; yield how many, batch by batch.

    Nothing is written before the first one is asked for, and memory does not grow with the catalog.
    Each batch is a query of its own: no transaction is held, and what changes meanwhile may be in it
    as it was or as it is. `on_hand`, `reserved` and `available` stand last; an import does not read
    them. Needs no transaction.

    Args:
        file: takes the text; its line ends are CR LF (RFC 4180) and must stay so.
        selection: which products.
        for_spreadsheets: begin with a byte order mark, and put an apostrophe before what a
            spreadsheet would take for a formula. Such a file is to be looked at: imported, it would
            change texts.

    Raises:
        UnknownCategory: no category has the slug.
    """
    rows = _chosen(selection)
    if for_spreadsheets:
        file.write(BYTE_ORDER_MARK)
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    names = _called_by_name()
    last, done = "", 0
    while batch := list(_values(rows.filter(sku__gt=last))[:BATCH]):
        lines = [_line(product, names) for product in batch]
        writer.writerows(map(without_formulas, lines) if for_spreadsheets else lines)
        last, done = batch[-1]["sku"], done + len(batch)
        yield done


def _chosen(selection: Selection) -> QuerySet[Product]:
    rows = Product.objects.all()
    if selection.statuses:
        rows = rows.filter(status__in=selection.statuses)
    if selection.skus:
        rows = rows.filter(sku__in=selection.skus)
    if selection.category:
        path = categories.path_of(selection.category)
        if path is None:
            raise UnknownCategory(f"No category is called {selection.category}")
        rows = rows.filter(category__path__descendants=path)
    return rows


def _values(rows: QuerySet[Product]) -> Any:
    """Return what is told of the products; attributes as PostgreSQL writes them, number for number."""
    return rows.order_by("sku").values(
        *("sku", "name", "price", "category_id", "category__slug", "description", "status"),
        *("image_url", "slug", "currency", "stock__on_hand", "stock__reserved"),
        attributes_text=Cast("attributes", TextField()),
        available=F("stock__on_hand") - F("stock__reserved"),
    )


def _line(product: Mapping[str, Any], names: Mapping[UUID, str]) -> list[Any]:
    return [
        product["sku"],
        product["name"],
        product["price"],
        names.get(product["category_id"], product["category__slug"]),
        product["description"],
        product["status"],
        product["image_url"],
        product["slug"],
        product["attributes_text"],
        product["currency"],
        product["stock__on_hand"],
        product["stock__reserved"],
        product["available"],
    ]


def _called_by_name() -> Mapping[UUID, str]:
    """Return the categories that their slug would not find, by id, and their names.

    An import takes a cell for a name first (services.importing.naming), and another one has that.
    """
    known = list(Category.objects.values_list("id", "slug", "name"))
    named: dict[str, set[UUID]] = defaultdict(set)
    for id_, _, name in known:
        named[" ".join(name.split()).lower()].add(id_)
    return {id_: name for id_, slug, name in known if named.get(slug.lower(), {id_}) != {id_}}
