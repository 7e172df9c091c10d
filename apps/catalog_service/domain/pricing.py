"""How many prices are changed at once: a rule makes a new price of an old one."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal, get_args

Kind = Literal["percent", "amount", "set"]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
HIGHEST: Final = Decimal("9999999999.99")
"""The highest price that a product may have."""

_CENT: Final = Decimal("0.01")
_FINEST: Final = Decimal("0.0001")
_MOST_PERCENT: Final = Decimal(10_000)


class BadRule(ValueError):
    """A rule that makes no sense; the message says why in one sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceRule:
    """A change of prices.

    `value` is what is added in percent, or added as an amount, or the price itself; the first two may be
    negative. New prices are `ending` and whole steps of `rounding`: with steps of 1 and the ending 0.99
    they are 0.99, 1.99 and so on. Between two of them the nearer one is taken, in the middle the higher one.

    Raises:
        BadRule: no price can be made by it.
    """

    kind: Kind
    value: Decimal
    rounding: Decimal = _CENT
    ending: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse a rule that makes no prices."""
        if self.kind not in KINDS:
            raise BadRule(f"A price is changed by one of {', '.join(KINDS)}.")
        if not all(n.is_finite() for n in (self.value, self.rounding, self.ending)):
            raise BadRule("A rule is made of numbers.")
        if self.rounding < _CENT or self.rounding > HIGHEST or self.rounding % _CENT:
            raise BadRule("Prices are rounded to a cent or to several whole ones.")
        if not 0 <= self.ending < self.rounding or self.ending % _CENT:
            raise BadRule("The ending is in cents and less than what is rounded to.")
        self._require_fitting_value()

    def _require_fitting_value(self) -> None:
        if self.kind == "percent" and not -100 <= self.value <= _MOST_PERCENT:  # noqa: PLR2004 -- percent
            raise BadRule(f"A price changes by -100 to {_MOST_PERCENT} percent.")
        if self.kind == "set" and self.value < 0:
            raise BadRule("No price is below 0.")
        if abs(self.value) > HIGHEST:
            raise BadRule(f"No price is above {HIGHEST}.")
        # Finer ones would not be reckoned with exactly.
        if self.value % _FINEST:
            raise BadRule("A change has at most four decimals.")

    def apply(self, price: Decimal) -> Decimal:
        """Return the new price: in cents, never below 0; it may be above HIGHEST."""
        steps = (max(self._exact(price), Decimal(0)) - self.ending) / self.rounding
        whole = max(steps.quantize(Decimal(1), ROUND_HALF_UP), Decimal(0))
        return (whole * self.rounding + self.ending).quantize(_CENT)

    def _exact(self, price: Decimal) -> Decimal:
        if self.kind == "percent":
            return price * (100 + self.value) / 100
        return price + self.value if self.kind == "amount" else self.value
