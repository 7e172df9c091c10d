"""What customers have in their carts."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from apps.order_service.admin.customers import OfCustomersAdmin, customers_like
from apps.order_service.models import CartItem, KnownProduct
from chassis.admin.display import code, user_link, when
from chassis.admin.filters import as_uuid
from chassis.admin.theme import display


class CartItemAdmin(OfCustomersAdmin):
    """Products in carts, those put in last first."""

    list_display = ("sku_", "name", "quantity", "customer_", "added", "changed")
    search_fields = ("user_id",)
    search_help_text = "A customer's whole id, or the beginning of their e-mail address"
    fields = ("sku_", "name", "quantity", "user", "added", "changed")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the items with what their products were last known as."""
        known = KnownProduct.objects.filter(sku=OuterRef("sku"))
        rows = super().get_queryset(request)
        return rows.annotate(product_name=Subquery(known.values("name")))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the items of a customer."""
        term = search_term.strip()
        if not term:
            return queryset, False
        known_id = as_uuid(term)
        users = customers_like(term) if known_id is None else [known_id]
        return queryset.filter(user_id__in=users), False

    @display(description="SKU")
    def sku_(self, obj: CartItem) -> str:
        """Return the sku."""
        return code(obj.sku)

    @display(description="Product")
    def name(self, obj: Any) -> str:
        """Return the name that the product was last known by."""
        return obj.product_name or ""

    @display(description="Customer")
    def user(self, obj: CartItem) -> str:
        """Return whose it is."""
        return user_link(obj.user_id)

    @display(description="Added")
    def added(self, obj: CartItem) -> str:
        """Return how long ago it was put in."""
        return when(obj.added_at)

    @display(description="Changed")
    def changed(self, obj: CartItem) -> str:
        """Return how long ago its quantity changed."""
        return when(obj.changed_at)
