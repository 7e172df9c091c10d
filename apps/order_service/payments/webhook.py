"""An outside provider that takes the money on pages of its own and tells the outcome by messages.

The client hands it the payment's id. It is not called from here: what it says comes signed to the
API (`services.webhooks`), and refunds are made there by staff.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from apps.order_service import conf
from apps.order_service.payments.port import Outcome, PaymentRequest
from chassis.rest import refuse_inside_transaction

_GIVE_UP_AFTER: Final = timedelta(seconds=conf.AWAIT_OUTCOME_SECONDS)


class MessageType(StrEnum):
    """What a payment provider tells; other types are passed over."""

    SUCCEEDED = "payment.succeeded"
    DECLINED = "payment.declined"
    REFUNDED = "payment.refunded"


class WebhookProvider:
    """Tells every outcome later; a payment of which it tells nothing is given up."""

    def token_kind(self, token: str) -> str:
        """See Provider."""
        return "other"

    def charge(self, request: PaymentRequest, token: str) -> Outcome | None:
        """See Provider."""
        refuse_inside_transaction()
        return None

    def settle(self, request: PaymentRequest) -> Outcome | None:
        """See Provider. What is given up may still succeed there: then its message says so."""
        refuse_inside_transaction()
        if request.age < _GIVE_UP_AFTER:
            return None
        return Outcome(
            succeeded=False,
            reference="",
            amount=request.amount,
            currency=request.currency,
            reason="The payment provider told nothing in time",
        )

    def refund(self, request: PaymentRequest) -> str | None:
        """See Provider."""
        refuse_inside_transaction()
        return None
