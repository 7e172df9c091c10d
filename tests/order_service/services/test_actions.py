"""What may be done with an order in each status: a table, written out from the contract."""

from typing import Any

import pytest

from apps.order_service.models import Order, OrderHistory, Payment, SandboxCharge
from chassis.ids import uuid7
from chassis.models import AuditEntry
from tests.order_service.factories import act, cancel, pay, place

pytestmark = pytest.mark.django_db

STATES = (
    *("pending", "placed", "paid", "shipped", "delivered"),
    *("rejected", "cancelled", "refunded"),
)
ALLOWED = {
    ("pending", "cancel"): "cancelled",
    ("placed", "cancel"): "cancelled",
    ("placed", "pay"): "paid",
    ("paid", "cancel"): "cancelled",
    ("paid", "ship"): "shipped",
    ("paid", "refund"): "refunded",
    ("shipped", "deliver"): "delivered",
    ("shipped", "refund"): "refunded",
    ("delivered", "refund"): "refunded",
}
ACTIONS = ("pay", "cancel", "ship", "deliver", "refund")
STAFFS = ("ship", "deliver", "refund")


@pytest.fixture
def bring(as_customer, as_staff, catalog):
    """Return a function that brings a new order into a status, as people would."""

    def to(status: str) -> Order:
        catalog.down = status == "pending"
        place(as_customer, ("CHAIR", 9 if status == "rejected" else 2))
        catalog.down = False
        order_id = Order.objects.latest("id").id
        if status in {"paid", "shipped", "delivered", "refunded"}:
            pay(as_customer, order_id)
        for action, result in (("ship", "shipped"), ("deliver", "delivered")):
            if status == result or (status, result) == ("delivered", "shipped"):
                act(as_staff, order_id, action)
        if status == "refunded":
            act(as_staff, order_id, "refund")
        if status == "cancelled":
            cancel(as_customer, order_id)
        order = Order.objects.get(id=order_id)
        assert order.status == status
        return order

    return to


@pytest.fixture
def do(as_customer, as_staff):
    """Return a function that does one of ACTIONS, as who may."""

    def run(action: str, order: Order) -> Any:
        if action == "pay":
            return pay(as_customer, order.id)
        return act(as_staff if action in STAFFS else as_customer, order.id, action)

    return run


def all_of_it(outbox_events: Any) -> Any:
    return (
        list(Order.objects.values()),
        list(Payment.objects.values()),
        list(SandboxCharge.objects.values()),
        list(OrderHistory.objects.values()),
        list(AuditEntry.objects.values()),
        [event.type for event in outbox_events()],
    )


class TestAction:
    @pytest.mark.parametrize(("status", "action"), ALLOWED, ids="-".join)
    def test_that_is_allowed_changes_the_status_and_tells_it_once(
        self, bring, do, status, action, outbox_events
    ):
        order = bring(status)
        told = len(outbox_events())
        response = do(action, order)
        result = ALLOWED[status, action]
        assert response.status_code == (201 if action == "pay" else 200), response.json()
        order.refresh_from_db()
        assert order.status == result
        assert getattr(order, f"{result}_at") is not None
        entry = OrderHistory.objects.get(to_status=result)
        assert (entry.from_status, entry.request_id) == (status, response["X-Request-ID"])
        assert [event.type for event in outbox_events()[told:]] == [f"order.{result}"]

    @pytest.mark.parametrize("status", STATES)
    def test_that_is_not_allowed_is_409_and_changes_nothing(self, bring, do, status, outbox_events):
        order = bring(status)
        before = all_of_it(outbox_events)
        refused = [action for action in ACTIONS if (status, action) not in ALLOWED]
        assert len(refused) >= 2
        for action in refused:
            response = do(action, order)
            problem = response.json()
            assert (response.status_code, problem["code"]) == (409, "state-conflict"), action
            assert problem["order_status"] == status
        assert all_of_it(outbox_events) == before


class TestActionOfStaff:
    def test_is_audited_with_the_request(self, as_staff, bring):
        order = bring("paid")
        response = act(as_staff, order.id, "ship", note="by bicycle")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.target_type, entry.target_id) == (
            *("order.shipped", "order"),
            str(order.id),
        )
        assert entry.actor_id == as_staff.user_id
        assert entry.request_id == response["X-Request-ID"]
        assert entry.details == {"before": "paid", "after": "shipped", "why": "by bicycle"}
        history = OrderHistory.objects.get(to_status="shipped")
        assert (history.who, history.why) == (f"staff:{as_staff.user_id}", "by bicycle")

    def test_of_the_customer_is_not_audited(self, as_customer, bring):
        cancel(as_customer, bring("paid").id)
        assert AuditEntry.objects.count() == 0

    @pytest.mark.parametrize("action", STAFFS)
    def test_is_forbidden_to_customers(self, as_customer, bring, action):
        response = act(as_customer, bring("paid").id, action)
        assert (response.status_code, response.json()["code"]) == (403, "permission-denied")
        assert Order.objects.get().status == "paid"

    @pytest.mark.parametrize("action", STAFFS)
    def test_of_no_order_is_404(self, as_staff, action):
        assert act(as_staff, uuid7(), action).status_code == 404

    @pytest.mark.parametrize(
        ("action", "body", "pointer"),
        [
            ("ship", {"note": 7}, "#/note"),
            ("ship", {"note": "x" * 201}, "#/note"),
            ("refund", {"restock": "no"}, "#/restock"),
            ("refund", {"restock": None}, "#/restock"),
            ("refund", {"reason": ""}, "#/reason"),
        ],
    )
    def test_takes_what_is_said_in_its_own_types(self, as_staff, bring, action, body, pointer):
        response = act(as_staff, bring("paid").id, action, **body)
        assert response.status_code == 400
        assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
        assert Order.objects.get().status == "paid"
