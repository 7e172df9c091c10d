"""What this service asks of whoever takes the money."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """A payment to make. Its id is what makes it one payment, however often it is asked for."""

    payment_id: UUID
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The final word of the provider; `reason` says why it declined."""

    succeeded: bool
    reference: str
    reason: str = field(default="")


class OutcomeUnknown(Exception):
    """The provider gave no answer: it may have taken the money."""


class Provider(Protocol):
    """A payment provider. Both calls are idempotent by payment id, and refuse open transactions."""

    def token_kind(self, token: str) -> str:
        """Return what may be kept of a token: at most 20 characters that pay for nothing."""

    def charge(self, request: PaymentRequest, token: str) -> Outcome:
        """Take the money and return the outcome; the same one when asked again.

        Raises:
            OutcomeUnknown: there was no answer.
        """

    def settle(self, request: PaymentRequest) -> Outcome:
        """Return what became of a payment; one that never arrived is void and can arrive no more.

        Raises:
            OutcomeUnknown: there was no answer.
        """
