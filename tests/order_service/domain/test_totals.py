from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.order_service.domain import totals
from apps.order_service.domain.totals import PricedLine, Tariff

prices = st.decimals(min_value=0, max_value=10**10, places=2)
rates = st.decimals(min_value=0, max_value=1, places=4)
lines = st.lists(
    st.builds(
        PricedLine,
        sku=st.just("SKU"),
        name=st.just("Name"),
        quantity=st.integers(min_value=1, max_value=9999),
        unit_price=prices,
    ),
    min_size=1,
    max_size=100,
)


class TestRounding:
    @pytest.mark.parametrize(
        ("amount", "rounded"),
        [
            ("0.005", "0.01"),
            ("0.0049", "0.00"),
            ("1.015", "1.02"),
            ("1.025", "1.03"),
            ("2.675", "2.68"),
            ("7", "7.00"),
        ],
    )
    def test_takes_half_a_cent_up(self, amount, rounded):
        assert str(totals.round_to_cents(Decimal(amount))) == rounded


class TestTotals:
    def test_are_goods_shipping_and_tax(self):
        line = PricedLine("LAMP", "Lamp", 3, Decimal("19.90"))
        sums = totals.add_up([line], Tariff(Decimal("4.90"), Decimal("0.19")))
        assert str(line.line_total) == "59.70"
        assert [str(amount) for amount in (sums.subtotal, sums.shipping, sums.tax)] == [
            "59.70",
            "4.90",
            "12.27",  # 64.60 x 0.19 = 12.274
        ]
        assert str(sums.total) == "76.87"

    @given(lines=lines, shipping=prices, rate=rates)
    def test_add_up_to_the_cent(self, lines, shipping, rate):
        sums = totals.add_up(lines, Tariff(shipping, rate))
        assert sums.subtotal == sum(line.quantity * line.unit_price for line in lines)
        assert sums.total == sums.subtotal + sums.shipping + sums.tax
        assert abs(sums.tax - (sums.subtotal + shipping) * rate) <= Decimal("0.005")
        for amount in (sums.subtotal, sums.shipping, sums.tax, sums.total):
            assert amount.as_tuple().exponent == -2
            assert amount >= 0

    @given(lines=lines, shipping=prices, rate=rates)
    def test_do_not_depend_on_the_order_of_lines(self, lines, shipping, rate):
        tariff = Tariff(shipping, rate)
        assert totals.add_up(lines, tariff) == totals.add_up(reversed(lines), tariff)
