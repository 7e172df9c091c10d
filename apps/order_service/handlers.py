"""Events of others, and what is done about them."""

from apps.order_service import services
from apps.order_service.events import UserRegistered, UserUpdated
from chassis.events import handles


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
