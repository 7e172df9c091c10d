import re

from hypothesis import given
from hypothesis import strategies as st

from apps.order_service.domain import numbers

bits = st.integers(min_value=0, max_value=2**numbers.BITS - 1)


class TestOrderNumber:
    @given(bits=bits)
    def test_reads_well(self, bits):
        number = numbers.order_number(bits)
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", number)

    @given(one=bits, other=bits)
    def test_is_another_for_other_bits(self, one, other):
        same = numbers.order_number(one) == numbers.order_number(other)
        assert same == (one == other)

    def test_holds_every_bit(self):
        assert numbers.order_number(0) == "0000-0000"
        assert numbers.order_number(2**numbers.BITS - 1) == "ZZZZ-ZZZZ"
