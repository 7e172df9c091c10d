"""The ledger of stock, and the history of prices. Nothing here can be changed: services write both."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.catalog_service.admin.filters import MovementKindFilter
from apps.catalog_service.admin.links import (
    MOVEMENT_COLOURS,
    order_link,
    product_link,
    signed,
)
from apps.catalog_service.models import PriceChange, Product, StockMovement
from chassis.admin.display import actor, when, whole_time
from chassis.admin.filters import DayRangeFilter, as_uuid
from chassis.admin.options import ReadOnlyAdmin
from chassis.admin.theme import display

_MOST_PRODUCTS: Final = 20
"""Products whose skus begin as the words do; a whole sku finds its own alone."""


@dataclass(frozen=True, slots=True)
class Movement:
    """A row of the ledger as the pages of products and reservations show it."""

    row: StockMovement
    product: str
    on_hand: str
    reserved: str
    order: str
    actor: str


def movements_shown(rows: Iterable[StockMovement]) -> list[Movement]:
    """Return rows of the ledger, each with its product at hand, for a page."""
    return [
        Movement(
            row=row,
            product=product_link(row.product_id, row.product.sku, row.product.name),
            on_hand=signed(row.on_hand),
            reserved=signed(row.reserved),
            order=order_link(row.order_id),
            actor=actor(row.actor),
        )
        for row in rows
    ]


class OfProductAdmin(ReadOnlyAdmin):
    """Rows that each belong to a product, found by its sku."""

    search_fields = ("product",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows with their products, in one query."""
        rows = super().get_queryset(request).select_related("product")
        return rows.defer("product__description", "product__attributes", "product__search")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows of the product of a sku, or of some whose skus begin so; by an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if (product_id := product_of(term)) is not None:
            return queryset.filter(product=product_id), False
        beginning = Product.objects.filter(sku__startswith=term).order_by("sku")
        some = list(beginning.values_list("pk", flat=True)[:_MOST_PRODUCTS])
        return queryset.filter(product__in=some), False

    @display(description="Product")
    def product_(self, obj: Any) -> str:
        """Return the product's sku."""
        return product_link(obj.product_id, obj.product.sku, obj.product.name)

    @display(description="When")
    def at_(self, obj: Any) -> str:
        """Return how long ago it was."""
        return when(obj.at)

    @display(description="When")
    def whole_at(self, obj: Any) -> str:
        """Return when it was."""
        return whole_time(obj.at)

    @display(description="By")
    def actor_(self, obj: Any) -> str:
        """Return who did it."""
        return actor(obj.actor)


class StockMovementAdmin(OfProductAdmin):
    """The ledger: what moved, why, by whom and for which order."""

    list_display = (
        *("at_", "kind_", "product_", "on_hand_", "reserved_"),
        *("order", "actor_", "reason"),
    )
    list_filter = (MovementKindFilter,)
    search_help_text = "A SKU or the beginning of one, or an order's whole id"
    fields = (
        *("id", "kind_", "product_", "on_hand_", "reserved_"),
        *("order", "actor_", "reason", "whole_at"),
    )
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the movements of an order, or of a sku; one that looks like an id is a sku still."""
        order_id = as_uuid(search_term)
        if order_id is not None and product_of(search_term.strip()) is None:
            return queryset.filter(order_id=order_id), False
        return super().get_search_results(request, queryset, search_term)

    @display(description="Kind", label=MOVEMENT_COLOURS)
    def kind_(self, obj: StockMovement) -> str:
        """Return why it moved."""
        return obj.kind

    @display(description="On hand")
    def on_hand_(self, obj: StockMovement) -> str:
        """Return how many came or went."""
        return signed(obj.on_hand)

    @display(description="Reserved")
    def reserved_(self, obj: StockMovement) -> str:
        """Return how many were promised or freed."""
        return signed(obj.reserved)

    @display(description="Order")
    def order(self, obj: StockMovement) -> str:
        """Return for which order."""
        return order_link(obj.order_id)


class PriceChangeAdmin(OfProductAdmin):
    """What each product cost, from when on."""

    list_display = ("at_", "product_", "price_", "actor_")
    list_filter = (("at", DayRangeFilter),)
    search_help_text = "A SKU, or the beginning of one"
    fields = ("id", "product_", "price_", "actor_", "whole_at")
    readonly_fields = fields

    @display(description="Price")
    def price_(self, obj: PriceChange) -> str:
        """Return price and currency."""
        return f"{obj.price:,.2f} {obj.currency}"


def product_of(sku: str) -> UUID | None:
    """Return the id of the product of a whole sku."""
    return Product.objects.filter(sku=sku).values_list("pk", flat=True).first()
