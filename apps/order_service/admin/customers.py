"""Lists whose rows belong to customers: each page fetches who they are at once."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.utils.html import format_html

from apps.order_service import selectors
from apps.order_service.models import Customer
from chassis.admin.display import short_id
from chassis.admin.options import ReadOnlyAdmin
from chassis.admin.paging import BoundedChangeList
from chassis.admin.theme import display

_MOST_CUSTOMERS: Final = 200
"""Customers whose addresses begin alike, beyond whom a search looks no further."""


class CustomersChangeList(BoundedChangeList):
    """A list that knows the customer of each row on the page as `customer`, None if unknown."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page, and its customers in one query."""
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        known = Customer.objects.in_bulk([row.user_id for row in rows])
        for row in rows:
            row.customer = known.get(row.user_id)
        self.result_list = rows


class OfCustomersAdmin(ReadOnlyAdmin):
    """Rows with a `user_id`."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        """Return how the rows of a list are fetched."""
        return CustomersChangeList

    @display(description="Customer")
    def customer_(self, obj: Any) -> str:
        """Return the address, the name on hover; the id of one whom no event has told of yet."""
        if obj.customer is None:
            return short_id(obj.user_id)
        return format_html(
            '<span class="souk-long" title="{}">{}</span>', obj.customer.name, obj.customer.email
        )


def customers_like(text: str) -> list[UUID]:
    """Return the ids of customers whose e-mail addresses begin so, by an index; 200 at most."""
    return list(selectors.customers_with(text).values_list("pk", flat=True)[:_MOST_CUSTOMERS])
