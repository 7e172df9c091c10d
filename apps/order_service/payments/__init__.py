"""Payment providers behind one port."""

from typing import Final

from apps.order_service.payments.port import (
    Outcome,
    OutcomeUnknown,
    PaymentRequest,
    Provider,
)
from apps.order_service.payments.sandbox import Sandbox

__all__ = ["METHODS", "Outcome", "OutcomeUnknown", "PaymentRequest", "Provider", "provider"]

_SANDBOX: Final = Sandbox()
_PROVIDERS: Final[dict[str, Provider]] = {"card": _SANDBOX, "sandbox": _SANDBOX}

METHODS: Final = tuple(_PROVIDERS)
"""What a customer may name as `method`: card goes to the shop's provider, sandbox to the sandbox."""


def provider(method: str) -> Provider:
    """Return the provider of one of METHODS."""
    return _PROVIDERS[method]
