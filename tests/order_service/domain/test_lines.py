from collections import Counter
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.order_service.domain import lines
from apps.order_service.domain.lines import QuantityTooLarge, RequestedLine

requests = st.lists(
    st.tuples(st.sampled_from("ABCDE"), st.integers(min_value=1, max_value=99)),
    min_size=1,
    max_size=100,
)


class TestMergedLines:
    def test_add_quantities_of_a_sku_at_its_first_line(self):
        assert lines.merge_lines([("A", 1), ("B", 2), ("A", 3)]) == (
            RequestedLine("A", 4, 0),
            RequestedLine("B", 2, 1),
        )

    @given(request=requests)
    def test_ask_for_what_was_asked_for(self, request):
        wanted: Counter[str] = Counter()
        for sku, quantity in request:
            wanted[sku] += quantity
        merged = lines.merge_lines(request)
        assert {line.sku: line.quantity for line in merged} == wanted
        assert all(request[line.position][0] == line.sku for line in merged)

    def test_refuse_a_sum_that_is_too_large_at_the_line_that_exceeds_it(self):
        with pytest.raises(QuantityTooLarge) as refused:
            lines.merge_lines([("A", 9998), ("B", 1), ("A", 1), ("A", 1)])
        assert refused.value.position == 3

    @given(request=requests)
    def test_come_back_from_storage_as_they_were(self, request):
        merged = lines.merge_lines(request)
        assert lines.from_stored([asdict(line) for line in merged]) == merged
