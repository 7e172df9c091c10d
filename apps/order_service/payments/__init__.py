"""Payment providers behind one port."""

from typing import Final

from apps.order_service import conf
from apps.order_service.payments.port import (
    Outcome,
    OutcomeUnknown,
    PaymentRequest,
    Provider,
)
from apps.order_service.payments.sandbox import Sandbox
from apps.order_service.payments.webhook import MessageType, WebhookProvider

__all__ = [
    "METHODS",
    "SANDBOX",
    "WEBHOOK",
    "MessageType",
    "Outcome",
    "OutcomeUnknown",
    "PaymentRequest",
    "Provider",
    "methods",
    "provider",
    "provider_of",
]

SANDBOX: Final = "sandbox"
WEBHOOK: Final = "webhook"

_CARD: Final = "card"
_PROVIDERS: Final[dict[str, Provider]] = {SANDBOX: Sandbox(), WEBHOOK: WebhookProvider()}

METHODS: Final = (_CARD, SANDBOX)
"""What a payment's `method` may be: card goes to the shop's provider, sandbox to the sandbox."""


def methods() -> tuple[str, ...]:
    """Return what a customer may name as `method` now.

    A shop with another provider takes nothing by the sandbox, whose tokens everybody knows.
    """
    return METHODS if conf.payment_provider() == SANDBOX else (_CARD,)


def provider_of(method: str) -> str:
    """Return the name of who takes the money of new payments by one of METHODS."""
    return conf.payment_provider() if method == _CARD else SANDBOX


def provider(name: str) -> Provider:
    """Return a provider by its name, as payments keep it: the shop may have changed over since."""
    return _PROVIDERS[name]
