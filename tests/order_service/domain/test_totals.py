from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.order_service import conf
from apps.order_service.domain import totals
from apps.order_service.domain.lines import MOST_LINES, MOST_OF_ONE
from apps.order_service.domain.totals import PricedLine, Tariff
from apps.order_service.models import Order, OrderLine

prices = st.decimals(min_value=0, max_value=10**10, places=2)
rates = st.decimals(min_value=0, max_value=1, places=4)
line = st.builds(
    PricedLine,
    sku=st.just("SKU"),
    name=st.just("Name"),
    quantity=st.integers(min_value=1, max_value=9999),
    unit_price=prices,
)
lines = st.lists(line, min_size=1, max_size=100)
few_lines = st.lists(line, min_size=1, max_size=3)


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
        assert sums.subtotal == sum(line.line_total for line in lines)
        # Half a cent goes up, and no other amount is further than half a cent from what is exact.
        assert Decimal("-0.005") <= (sums.subtotal + shipping) * rate - sums.tax < Decimal("0.005")
        for amount in (sums.subtotal, sums.shipping, sums.tax, sums.total):
            assert amount.as_tuple().exponent == -2
            assert amount >= 0

    @given(lines=few_lines, shipping=prices, low=rates, high=rates)
    def test_are_taxed_no_less_at_a_higher_rate(self, lines, shipping, low, high):
        low, high = sorted((low, high))
        taxed = [totals.add_up(lines, Tariff(shipping, rate)) for rate in (low, high)]
        assert taxed[0].tax <= taxed[1].tax
        assert taxed[0].subtotal == taxed[1].subtotal

    @given(lines=few_lines, more=few_lines, shipping=prices, rate=rates)
    def test_grow_with_the_goods(self, lines, more, shipping, rate):
        tariff = Tariff(shipping, rate)
        fewer, all_ = totals.add_up(lines, tariff), totals.add_up([*lines, *more], tariff)
        assert fewer.tax <= all_.tax
        assert fewer.total <= all_.total

    @given(lines=few_lines)
    def test_are_the_goods_alone_where_nothing_is_added(self, lines):
        sums = totals.add_up(lines, Tariff(Decimal(0), Decimal(0)))
        assert sums.total == sums.subtotal
        assert sums.tax == sums.shipping == Decimal(0)

    def test_of_the_largest_order_fit_their_columns(self):
        """A hundred lines of 9,999 at catalog's highest price, its highest shipping and all of it as tax."""
        highest = Decimal("9999999999.99")
        lines = [PricedLine("SKU", "Name", MOST_OF_ONE, highest)] * MOST_LINES
        sums = totals.add_up(lines, Tariff(highest, Decimal(1)))
        for column in ("subtotal", "shipping", "tax", "total"):
            field: Any = Order._meta.get_field(column)
            amount = getattr(sums, column)
            assert len(amount.as_tuple().digits) <= field.max_digits
            assert -amount.as_tuple().exponent == field.decimal_places
        field = OrderLine._meta.get_field("line_total")
        assert len(lines[0].line_total.as_tuple().digits) <= field.max_digits

    @given(lines=lines, shipping=prices, rate=rates)
    def test_do_not_depend_on_the_order_of_lines(self, lines, shipping, rate):
        tariff = Tariff(shipping, rate)
        assert totals.add_up(lines, tariff) == totals.add_up(reversed(lines), tariff)


class TestTariff:
    def test_is_by_country_and_else_the_shops_own(self, settings):
        settings.SHIPPING_PRICE = Decimal("4.90")
        settings.TAX_RATE = Decimal("0.21")
        settings.TAX_RATES = {"DE": Decimal("0.19"), "CH": Decimal(0)}
        rates = {country: conf.tariff(country).tax_rate for country in ("DE", "CH", "NL", "")}
        assert rates == {
            "DE": Decimal("0.19"),
            "CH": Decimal(0),
            "NL": Decimal("0.21"),
            "": Decimal("0.21"),
        }
        assert conf.tariff("DE").shipping == Decimal("4.90")
