"""Events of others, and what is done about them."""

from apps.order_service import services
from apps.order_service.events import (
    UserDeactivated,
    UserRegistered,
    UserRoleChanged,
    UserUpdated,
)
from chassis.events import handles
from chassis.tokens import deny


@handles(UserRegistered, consumer="order.remember_customer")
def remember_new_customer(event: UserRegistered) -> str:
    written = services.remember_customer(
        user_id=event.user_id, email=event.email, name=event.name, is_new=True
    )
    return "customer remembered" if written else "customer known already"


@handles(UserUpdated, consumer="order.remember_customer")
def remember_changed_customer(event: UserUpdated) -> str:
    services.remember_customer(
        user_id=event.user_id, email=event.email, name=event.name, is_new=False
    )
    return "customer updated"


@handles(UserRoleChanged, consumer="order.deny_user")
def deny_changed_user(event: UserRoleChanged) -> str:
    deny.deny(event.user_id, not_before=event.not_before)
    return "tokens of the old role denied"


@handles(UserDeactivated, consumer="order.deny_user")
def deny_deactivated_user(event: UserDeactivated) -> str:
    deny.deny(event.user_id, not_before=event.not_before)
    return "tokens denied"
