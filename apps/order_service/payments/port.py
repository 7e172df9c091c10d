"""What this service asks of whoever takes the money."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """A payment to make. Its id is what makes it one payment, however often it is asked for.

    `age` is how long ago it was first asked for.
    """

    payment_id: UUID
    amount: Decimal
    currency: str
    age: timedelta = field(default=timedelta())


@dataclass(frozen=True, slots=True)
class Outcome:
    """The final word of the provider: what it took or declined; `reason` says why it declined."""

    succeeded: bool
    reference: str
    amount: Decimal
    currency: str
    reason: str = field(default="")


class OutcomeUnknown(Exception):
    """The provider gave no answer: it may have taken the money, or given it back."""


class Provider(Protocol):
    """A payment provider. All calls are idempotent by payment id, and refuse open transactions.

    Where an answer is None, the provider has been asked and tells the outcome later, by a message.
    """

    def token_kind(self, token: str) -> str:
        """Return what may be kept of a token: at most 20 characters that pay for nothing."""

    def charge(self, request: PaymentRequest, token: str) -> Outcome | None:
        """Take the money and return the outcome; the same one when asked again.

        Raises:
            OutcomeUnknown: there was no answer.
        """

    def settle(self, request: PaymentRequest) -> Outcome | None:
        """Return what became of a payment; one that never arrived is void.

        Raises:
            OutcomeUnknown: there was no answer.
        """

    def refund(self, request: PaymentRequest) -> str | None:
        """Give back all the money of a payment that succeeded, once; return the refund's reference.

        Raises:
            OutcomeUnknown: there was no answer.
        """
