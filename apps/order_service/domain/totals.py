"""What an order costs. Amounts are Decimal in the shop's one currency, rounded half up to cents."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line with the catalog's name and price."""

    sku: str
    name: str
    quantity: int
    unit_price: Decimal

    @property
    def line_total(self) -> Decimal:
        """Return the price of the whole line."""
        return round_to_cents(self.unit_price * self.quantity)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What is added to the goods: flat shipping, and tax at one rate (0.19 is 19 %)."""

    shipping: Decimal
    tax_rate: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """`total` is always `subtotal + shipping + tax`."""

    subtotal: Decimal
    shipping: Decimal
    tax: Decimal
    total: Decimal


def round_to_cents(amount: Decimal) -> Decimal:
    """Return the amount with two decimal places; half a cent goes away from zero."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def add_up(lines: Iterable[PricedLine], tariff: Tariff) -> Totals:
    """Return the totals of an order.

    Tax is taken once on goods and shipping together, so that rounding happens once.
    """
    subtotal = sum((line.line_total for line in lines), start=Decimal("0.00"))
    shipping = round_to_cents(tariff.shipping)
    tax = round_to_cents((subtotal + shipping) * tariff.tax_rate)
    return Totals(subtotal=subtotal, shipping=shipping, tax=tax, total=subtotal + shipping + tax)
