"""What catalog does when something happened elsewhere."""

from apps.catalog_service.domain.wording import counted
from apps.catalog_service.events import (
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRejected,
    StockDepleted,
    StockLow,
    UserDeactivated,
    UserRoleChanged,
)
from apps.catalog_service.services import alerts, reservations, sales
from chassis.events import handles
from chassis.tokens import deny


@handles(OrderPlaced, consumer="catalog.count_sales")
def count_sales(event: OrderPlaced) -> str:
    """Count what was ordered, for the best sellers."""
    return f"counted {counted(sales.count_sales(event.lines), 'unit')} sold"


@handles(OrderPaid, consumer="catalog.commit_reservation")
def commit_reservation(event: OrderPaid) -> str:
    """Take what is paid off the stock."""
    return reservations.commit(event.order_id)


@handles(OrderCancelled, consumer="catalog.release_cancelled")
def release_cancelled(event: OrderCancelled) -> str:
    """Free what a cancelled order had reserved; what it had bought comes back."""
    return reservations.take_back(event.order_id)


@handles(OrderRefunded, consumer="catalog.restock_refunded")
def restock_refunded(event: OrderRefunded) -> str:
    """Put what was refunded back on the shelves, unless it does not come back."""
    if not event.restock:
        return "nothing comes back"
    return reservations.take_back(event.order_id)


@handles(OrderRejected, consumer="catalog.release_rejected")
def release_rejected(event: OrderRejected) -> str:
    """Free what a rejected order had reserved, and stop a late reservation."""
    return reservations.release(event.order_id)


@handles(StockLow, consumer="catalog.alert_low")
def alert_low(event: StockLow) -> str:
    """Tell staff of what is running out."""
    return alerts.raise_stock_low(
        event.product_id, sku=event.sku, name=event.name, threshold=event.threshold
    )


@handles(StockDepleted, consumer="catalog.alert_depleted")
def alert_depleted(event: StockDepleted) -> str:
    """Tell staff of what is gone."""
    return alerts.raise_stock_depleted(event.product_id, sku=event.sku, name=event.name)


@handles(UserRoleChanged, consumer="catalog.deny_user")
def deny_changed_user(event: UserRoleChanged) -> str:
    """Refuse the tokens that carry the user's old role."""
    deny.deny(event.user_id, not_before=event.not_before)
    return "tokens of the old role denied"


@handles(UserDeactivated, consumer="catalog.deny_user")
def deny_deactivated_user(event: UserDeactivated) -> str:
    """Refuse the tokens of a user whose account was closed."""
    deny.deny(event.user_id, not_before=event.not_before)
    return "tokens denied"
