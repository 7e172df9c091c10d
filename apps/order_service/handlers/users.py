"""What is known of users."""

from apps.order_service import services
from apps.order_service.events import (
    UserDeactivated,
    UserRegistered,
    UserRoleChanged,
    UserUpdated,
)
from chassis.events import Order, handles
from chassis.events.envelope import Envelope
from chassis.tokens import deny


@handles(
    UserRegistered, consumer="order.remember_customer", takes_envelope=True, order=Order.NEWEST
)
@handles(UserUpdated, consumer="order.remember_customer", takes_envelope=True, order=Order.NEWEST)
def remember_customer(event: UserRegistered | UserUpdated, envelope: Envelope) -> str:
    """Know where to write to, for mail about orders."""
    news = services.remember_customer(
        user_id=event.user_id,
        email=event.email,
        name=event.name,
        sequence=int(envelope.sequence),
    )
    return "customer remembered" if news else "older than what is known"


@handles(UserRoleChanged, consumer="order.deny_user")
def deny_changed_user(event: UserRoleChanged) -> str:
    """Refuse the tokens that carry the user's old role."""
    deny.deny(event.user_id, not_before=event.not_before)
    return "tokens of the old role denied"


@handles(UserDeactivated, consumer="order.deny_user")
def deny_deactivated_user(event: UserDeactivated) -> str:
    """Refuse the tokens of a user whose account was closed."""
    deny.deny(event.user_id, not_before=event.not_before)
    return "tokens denied"


@handles(UserDeactivated, consumer="order.cancel_unpaid_orders")
def cancel_unpaid_orders(event: UserDeactivated) -> str:
    """Give back the stock that a closed account holds and will not pay for."""
    cancelled = services.cancel_unpaid_orders(
        user_id=event.user_id, who="job:deactivation", reason="the account was closed"
    )
    return f"orders cancelled: {cancelled}"
