"""What events have brought about in other services, against the truth where they were published.

Of the products that tests made: those of the seed and of imports have a history of their own.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.system.platform import Platform

Row = dict[str, Any]
Query = Callable[..., list[Row]]

LOW_STOCK: Final = 5
OURS: Final = "sku ~ '^[TL]-'"

# What the orders say of each product: promised to those not paid yet, and gone with the others.
_SOLD: Final = f"""
SELECT sku,
       sum(quantity) FILTER (WHERE orders.status = 'placed') AS reserved,
       sum(quantity) FILTER (WHERE orders.status IN ('paid', 'shipped', 'delivered')
                                OR (orders.status = 'refunded' AND NOT restock)) AS sold
FROM order_line JOIN orders ON orders.id = order_id
LEFT JOIN (SELECT subject, (data ->> 'restock')::boolean AS restock FROM outbox
           WHERE type = 'order.refunded') AS refund ON subject = orders.id::text
WHERE {OURS} GROUP BY sku
"""
_ORDERED: Final = f"""
SELECT line ->> 'sku' AS sku, sum((line ->> 'quantity')::int) AS units
FROM outbox, jsonb_array_elements(data -> 'lines') AS line
WHERE type = 'order.placed' AND line ->> {OURS.replace("sku", "'sku'")} GROUP BY 1
"""
_STOCK: Final = f"""
SELECT sku, stock.on_hand, stock.reserved,
       (SELECT coalesce(sum(on_hand), 0) FROM stock_movement
        WHERE product_id = product.id AND kind IN ('initial', 'adjusted')) AS brought,
       (SELECT coalesce(sum(units), 0) FROM product_sales WHERE product_id = product.id) AS units,
       (SELECT array_agg(kind ORDER BY kind) FROM alert
        WHERE subject = product.id::text AND cleared_at IS NULL) AS alerts
FROM product JOIN stock ON product_id = product.id WHERE {OURS}
"""
_PRODUCTS: Final = f"SELECT sku, name, slug, status, price::text FROM product WHERE {OURS}"
_KNOWN_PRODUCTS: Final = (
    f"SELECT sku, name, slug, status, price::text FROM known_product WHERE {OURS}"
)
_USERS: Final = """
SELECT id::text, email, name FROM users
WHERE id::text IN (SELECT subject FROM outbox WHERE type IN ('user.registered', 'user.updated'))
"""
_CUSTOMERS: Final = "SELECT user_id::text AS id, email, name FROM customer"
_DENIED: Final = """
SELECT subject AS id, max((data ->> 'not_before')::timestamptz) AS not_before FROM outbox
WHERE type IN ('user.deactivated', 'user.role_changed') GROUP BY subject
"""
_DENY_ENTRIES: Final = "SELECT user_id::text AS id, not_before FROM deny_entry"
_PENDING: Final = "SELECT id::text FROM orders WHERE status = 'pending'"


def differences(platform: Platform, query: Query) -> Iterator[str]:
    """Yield in what the services differ."""
    for row in query(platform, "order", _PENDING):
        yield f"order {row['id']} is still pending"
    yield from _stock(platform, query)
    catalog, order = (
        query(platform, "catalog", _PRODUCTS),
        query(platform, "order", _KNOWN_PRODUCTS),
    )
    yield from _unequal("known_product", catalog, order, key="sku")
    users, customers = query(platform, "auth", _USERS), query(platform, "order", _CUSTOMERS)
    yield from _unequal("customer", users, customers, key="id")
    denied = query(platform, "auth", _DENIED)
    for service in ("catalog", "order"):
        entries = query(platform, service, _DENY_ENTRIES)
        yield from _unequal(f"deny entry of {service}", denied, entries, key="id")


def _stock(platform: Platform, query: Query) -> Iterator[str]:
    """Yield products whose stock, sales or alerts do not follow from the orders."""
    sold = {row["sku"]: row for row in query(platform, "order", _SOLD)}
    ordered = {row["sku"]: row["units"] for row in query(platform, "order", _ORDERED)}
    for row in query(platform, "catalog", _STOCK):
        sku, of_orders = row["sku"], sold.get(row["sku"], {})
        reserved = of_orders.get("reserved") or 0
        on_hand = row["brought"] - (of_orders.get("sold") or 0)
        if (row["on_hand"], row["reserved"]) != (on_hand, reserved):
            yield (
                f"{sku}: {row['on_hand']} on hand, {row['reserved']} reserved; "
                f"by the orders {on_hand} and {reserved}"
            )
        if row["units"] != ordered.get(sku, 0):
            yield f"{sku}: {row['units']} counted as sold, {ordered.get(sku, 0)} were ordered"
        if row["brought"] > LOW_STOCK and (row["alerts"] or []) != _alerts(on_hand - reserved):
            yield f"{sku}: {on_hand - reserved} available, and the open alerts are {row['alerts']}"


def _alerts(available: int) -> list[str]:
    return ["stock_depleted"] * (available <= 0) + ["stock_low"] * (available <= LOW_STOCK)


def _unequal(what: str, truth: list[Row], copy: list[Row], *, key: str) -> Iterator[str]:
    copied = {row[key]: row for row in copy}
    for row in truth:
        if copied.get(row[key]) != row:
            yield f"{what} {row[key]}: {copied.get(row[key])} is not {row}"
