import pytest

from apps.order_service.domain import states
from apps.order_service.domain.states import OrderStatus, TransitionNotAllowed

# Written out from the contract (design.md, section 4), not taken from the code.
ALLOWED = {
    ("pending", "placed"),
    ("pending", "rejected"),
    ("pending", "cancelled"),
    ("placed", "paid"),
    ("placed", "cancelled"),
    ("paid", "shipped"),
    ("paid", "cancelled"),
    ("paid", "refunded"),
    ("shipped", "delivered"),
    ("shipped", "refunded"),
    ("delivered", "refunded"),
}


class TestTransitions:
    @pytest.mark.parametrize("source", OrderStatus)
    @pytest.mark.parametrize("target", OrderStatus)
    def test_are_those_of_the_contract(self, source, target):
        if (source, target) in ALLOWED:
            states.require_transition(source, target)
        else:
            with pytest.raises(TransitionNotAllowed, match=f"{source} -> {target}"):
                states.require_transition(source, target)

    def test_never_come_back_to_a_status(self):
        def reachable(status: OrderStatus) -> set[OrderStatus]:
            found = set(states.TRANSITIONS[status])
            for following in states.TRANSITIONS[status]:
                found |= reachable(following)
            return found

        assert all(status not in reachable(status) for status in OrderStatus)
