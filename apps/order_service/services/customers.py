"""The view of auth's users."""

from uuid import UUID

from apps.order_service.models import Customer


def remember_customer(*, user_id: UUID, email: str, name: str, is_new: bool) -> bool:
    """Keep who to write to; return whether anything was written.

    Idempotent. News of a registration never overwrites: it may come after that of a change.
    """
    values = {"email": email, "name": name}
    if is_new:
        _, written = Customer.objects.get_or_create(user_id=user_id, defaults=values)
        return written
    Customer.objects.update_or_create(user_id=user_id, defaults=values)
    return True
