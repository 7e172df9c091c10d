from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.catalog_service.domain.pricing import HIGHEST, BadRule, PriceRule

CENT = Decimal("0.01")
prices = st.decimals(min_value=0, max_value=HIGHEST, places=2)
steps = st.sampled_from(
    [Decimal(step) for step in ("0.01", "0.03", "0.05", "0.10", "0.50", "1.00", "10.00")]
)
changes = st.one_of(
    st.tuples(st.just("percent"), st.decimals(min_value=-100, max_value=10_000, places=4)),
    st.tuples(st.just("amount"), st.decimals(min_value=-HIGHEST, max_value=HIGHEST, places=2)),
    st.tuples(st.just("set"), prices),
)


@st.composite
def rules(draw: st.DrawFn) -> PriceRule:
    kind: Any
    kind, value = draw(changes)
    step = draw(steps)
    cents = draw(st.integers(min_value=0, max_value=int(step * 100) - 1))
    return PriceRule(kind=kind, value=value, rounding=step, ending=cents * CENT)


def wanted(rule: PriceRule, price: Decimal) -> Fraction:
    """Return the price before it is rounded, exactly."""
    if rule.kind == "percent":
        return Fraction(price) * (100 + Fraction(rule.value)) / 100
    return Fraction(rule.value) + (Fraction(price) if rule.kind == "amount" else 0)


class TestPriceRule:
    @pytest.mark.parametrize(
        ("kind", "value", "options", "old", "new"),
        [
            ("percent", "10", {}, "19.90", "21.89"),
            ("percent", "-10", {}, "0.05", "0.05"),
            ("percent", "-12.5", {}, "19.99", "17.49"),
            ("percent", "50", {}, "0.01", "0.02"),
            ("percent", "-100", {}, "19.90", "0.00"),
            ("percent", "10", {"rounding": "0.05"}, "19.90", "21.90"),
            ("percent", "10", {"rounding": "0.10"}, "20.50", "22.60"),
            ("percent", "10", {"rounding": "1", "ending": "0.99"}, "19.90", "21.99"),
            ("percent", "5", {"rounding": "10", "ending": "9.90"}, "14.00", "9.90"),
            ("amount", "-20", {}, "19.90", "0.00"),
            ("amount", "-20", {"rounding": "1", "ending": "0.99"}, "19.90", "0.99"),
            ("amount", "0.025", {}, "1.00", "1.03"),
            ("set", "5", {}, "19.90", "5.00"),
        ],
    )
    def test_makes_a_price(
        self, kind: Any, value: str, options: dict[str, str], old: str, new: str
    ) -> None:
        exact = {name: Decimal(text) for name, text in options.items()}
        rule = PriceRule(kind=kind, value=Decimal(value), **exact)
        assert str(rule.apply(Decimal(old))) == new

    @settings(max_examples=150)
    @given(rules(), prices)
    def test_makes_the_nearest_price_of_its_steps(self, rule: PriceRule, price: Decimal) -> None:
        new = rule.apply(price)
        assert new >= 0
        assert new.as_tuple().exponent == -2
        assert (new - rule.ending) % rule.rounding == 0
        exact = max(wanted(rule, price), Fraction(0))
        off = Fraction(new) - exact
        # No other one is nearer, and of two just as near it is the higher one.
        assert off <= Fraction(rule.rounding) / 2 or new == rule.ending
        assert off > -Fraction(rule.rounding) / 2

    @settings(max_examples=50)
    @given(steps, prices)
    def test_changes_nothing_the_second_time_where_it_only_rounds(
        self, step: Decimal, price: Decimal
    ) -> None:
        rule = PriceRule(kind="percent", value=Decimal(0), rounding=step)
        assert rule.apply(rule.apply(price)) == rule.apply(price)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"kind": "double"}, "changed by one of percent, amount, set"),
            ({"value": "NaN"}, "made of numbers"),
            ({"value": "Infinity", "kind": "amount"}, "made of numbers"),
            ({"value": "-100.01"}, "-100 to"),
            ({"value": "10001"}, "-100 to"),
            ({"value": "1.00001"}, "four decimals"),
            ({"value": "-1", "kind": "set"}, "below 0"),
            ({"value": "1e10", "kind": "set"}, "above"),
            ({"value": "-1e10", "kind": "amount"}, "above"),
            ({"rounding": "0"}, "cent"),
            ({"rounding": "-1"}, "cent"),
            ({"rounding": "0.005"}, "cent"),
            ({"rounding": "1e30"}, "cent"),
            ({"ending": "0.01"}, "less than what is rounded to"),
            ({"ending": "-0.01"}, "less than what is rounded to"),
            ({"ending": "0.001", "rounding": "1"}, "ending is in cents"),
        ],
    )
    def test_that_makes_no_sense_is_refused(self, change: dict[str, str], reason: str) -> None:
        values: dict[str, Any] = {"kind": "percent", "value": "10", **change}
        numbers = {name: Decimal(text) for name, text in values.items() if name != "kind"}
        with pytest.raises(BadRule, match=reason):
            PriceRule(kind=values["kind"], **numbers)
