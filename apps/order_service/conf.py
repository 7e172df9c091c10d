"""The service's settings and the shop's rules, typed."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from django.conf import settings

from apps.order_service.domain.totals import Tariff

RECOVER_AFTER_SECONDS: Final = 5
"""A pending order this old has lost its request: well above the 2 s that the request may take."""

RECOVERY_RETRY_SECONDS: Final = 1
"""How soon recovery asks again about an order whose reservation it could not get."""

RECOVERY_SECONDS: Final = 600
"""A pending order this old is cancelled. Shorter than a reservation lives, so that an order placed
at the last moment still leaves time to pay."""

SETTLE_AFTER_SECONDS: Final = 10
"""A payment without an outcome this old has lost its request; the provider is asked."""

SETTLE_RETRY_SECONDS: Final = 5
"""How soon the provider is asked again about a payment whose outcome is unknown."""

AWAIT_OUTCOME_SECONDS: Final = 3600
"""A payment of which a provider that tells outcomes by messages has told nothing for so long is given
up: until then it keeps its order, also past the time to pay, as the customer may still be there."""

MOST_PAYMENTS: Final = 20
"""How often one order may be tried to be paid: more is somebody who tries out stolen cards, and every
answer about the order tells of all."""

REFUND_RETRY_SECONDS: Final = 60
"""How soon the provider is asked again to give back money."""

ROUND_SECONDS: Final = 5.0
"""How long one round of a timed job may go on."""


def currency() -> str:
    """Return the shop's one currency, an ISO 4217 code."""
    code: str = settings.SHOP_CURRENCY
    return code


def catalog_url() -> str:
    """Return the base URL of the catalog service behind the private entry point."""
    url: str = settings.CATALOG_URL
    return url


def open_orders_limit() -> int:
    """Return how many unpaid orders one user may hold open."""
    limit: int = settings.OPEN_ORDERS_LIMIT
    return limit


def tariff(country: str) -> Tariff:
    """Return what is added to the price of goods that go to a country, or nobody knows where to.

    Args:
        country: an ISO 3166-1 alpha-2 code, or empty.
    """
    rates: Mapping[str, Decimal] = settings.TAX_RATES
    default: Decimal = settings.TAX_RATE
    shipping: Decimal = settings.SHIPPING_PRICE
    return Tariff(shipping=shipping, tax_rate=rates.get(country, default))


def payment_provider() -> str:
    """Return who takes the money of payments by card: sandbox or webhook."""
    name: str = settings.PAYMENT_PROVIDER
    return name


def webhook_secrets() -> Sequence[str]:
    """Return what messages of the payment provider may be signed with; none: none is taken."""
    secrets: Sequence[str] = settings.WEBHOOK_SECRETS
    return secrets
