"""Reads."""

from apps.order_service.selectors.carts import CartLineView, CartView, Told, read_cart, view_cart
from apps.order_service.selectors.export import csv_batches, csv_rows
from apps.order_service.selectors.filtering import (
    OrderFilters,
    asks_for,
    customers_with,
    filter_orders,
)
from apps.order_service.selectors.mails import News, find_news
from apps.order_service.selectors.orders import (
    LineView,
    OrderView,
    PaymentView,
    count_open_orders,
    find_order,
    read_order,
    view_new_order,
    view_order,
    visible_orders,
)
from apps.order_service.selectors.timelines import (
    MOST_OF_A_KIND,
    EntryKind,
    TimelineEntry,
    timeline,
)

__all__ = [
    "MOST_OF_A_KIND",
    "CartLineView",
    "CartView",
    "EntryKind",
    "LineView",
    "News",
    "OrderFilters",
    "OrderView",
    "PaymentView",
    "TimelineEntry",
    "Told",
    "asks_for",
    "count_open_orders",
    "csv_batches",
    "csv_rows",
    "customers_with",
    "filter_orders",
    "find_news",
    "find_order",
    "read_cart",
    "read_order",
    "timeline",
    "view_cart",
    "view_new_order",
    "view_order",
    "visible_orders",
]
