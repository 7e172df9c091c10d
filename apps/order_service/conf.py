"""The service's settings and the shop's rules, typed."""

from decimal import Decimal
from typing import Final

from django.conf import settings

from apps.order_service.domain.totals import Tariff

SHIPPING: Final = Decimal("4.90")
"""Flat, per order."""

TAX_RATE: Final = Decimal("0.00")
"""Prices are final: nothing is added to them."""

OPEN_ORDERS_LIMIT: Final = 20
"""How many unpaid orders one user may hold open: each binds stock."""

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


def tariff() -> Tariff:
    """Return what is added to the price of the goods."""
    return Tariff(shipping=SHIPPING, tax_rate=TAX_RATE)
