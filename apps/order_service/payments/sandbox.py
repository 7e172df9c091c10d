"""A provider for trying out: three tokens, and books of its own in this service's database."""

from typing import Final

from apps.order_service.models import SandboxCharge
from apps.order_service.payments.port import Outcome, OutcomeUnknown, PaymentRequest
from chassis.rest import refuse_inside_transaction

OK: Final = "tok_ok"
DECLINED: Final = "tok_declined"
TIMEOUT: Final = "tok_timeout"
"""Takes the money and gives no answer: the worst that a provider does."""

_TOKENS: Final = (OK, DECLINED, TIMEOUT)


class Sandbox:
    """Takes no real money. Like a real provider it remembers each payment by its id."""

    def token_kind(self, token: str) -> str:
        """See Provider."""
        return token if token in _TOKENS else "other"

    def charge(self, request: PaymentRequest, token: str) -> Outcome:
        """See Provider."""
        refuse_inside_transaction()
        if token in {OK, TIMEOUT}:
            outcome = self._book(request, succeeded=True, reason="")
        elif token == DECLINED:
            outcome = self._book(request, succeeded=False, reason="The card was declined")
        else:
            outcome = self._book(request, succeeded=False, reason="The token is not known")
        if token == TIMEOUT:
            raise OutcomeUnknown("the sandbox does not answer")
        return outcome

    def settle(self, request: PaymentRequest) -> Outcome:
        """See Provider."""
        refuse_inside_transaction()
        return self._book(request, succeeded=False, reason="The payment never arrived")

    def refund(self, request: PaymentRequest) -> str | None:
        """See Provider."""
        refuse_inside_transaction()
        taken = SandboxCharge.objects.filter(payment_id=request.payment_id, succeeded=True)
        if not taken.update(refunded=True):
            raise OutcomeUnknown("the sandbox has taken no such money")
        return f"sandbox-refund-{request.payment_id}"

    def _book(self, request: PaymentRequest, *, succeeded: bool, reason: str) -> Outcome:
        """Write the charge unless there is one of this id; return what the books say."""
        charge, _ = SandboxCharge.objects.get_or_create(
            payment_id=request.payment_id,
            defaults={
                "amount": request.amount,
                "currency": request.currency,
                "succeeded": succeeded,
                "reason": reason,
            },
        )
        return Outcome(
            succeeded=charge.succeeded,
            reference=f"sandbox-{charge.payment_id}",
            amount=charge.amount,
            currency=charge.currency,
            reason=charge.reason,
        )
