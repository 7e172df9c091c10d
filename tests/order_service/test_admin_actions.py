"""What staff do to orders in the admin: through services alone, refused where the state forbids it."""

import pytest

from apps.order_service.domain import states
from apps.order_service.domain.states import OrderStatus
from apps.order_service.models import Order, OrderHistory, Payment
from chassis.ids import uuid7
from chassis.models import AuditEntry, OutboxEvent
from tests.order_service.factories import cancel, pay, place
from tests.staff import change_url, messages_of, token_of

LIST = "/admin/orders/orders/order/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(staff_browser):
    return staff_browser("staff")


@pytest.fixture
def order(as_customer):
    """Return an order that is placed."""
    return Order.objects.get(pk=place(as_customer).json()["id"])


@pytest.fixture
def paid(as_customer, order):
    """Return an order that is paid."""
    assert pay(as_customer, order.pk).status_code == 201
    return again(order)


def again(order):
    return Order.objects.get(pk=order.pk)


def url(order, action):
    return f"{LIST}{order.pk}/{action}/"


def last_change(order):
    """Return the status that an order got last, by whom and why."""
    change = OrderHistory.objects.filter(order=order).latest("id")
    return change.to_status, change.who, change.why


def audited(order):
    """Return what the audit log tells of an order, oldest first."""
    entries = AuditEntry.objects.filter(target_type="order", target_id=str(order.pk))
    return list(entries.order_by("id").values_list("action", "actor_id"))


def select(staff, action, *orders, **data):
    """Choose an action for selected orders."""
    token = token_of(staff.get(LIST))
    ids = [str(order.pk) for order in orders]
    sent = {"csrfmiddlewaretoken": token, "action": action, "_selected_action": ids, **data}
    return staff.post(LIST, sent)


class TestButtons:
    @pytest.mark.parametrize("status", list(OrderStatus), ids=str)
    def test_are_those_that_the_state_machine_allows(self, staff, order, status):
        Order.objects.filter(pk=order.pk).update(
            status=status,
            paid_at=order.placed_at,
            recover_after=order.placed_at if status == OrderStatus.PENDING else None,
        )
        ways = {
            "ship": "shipped",
            "deliver": "delivered",
            "cancel": "cancelled",
            "refund": "refunded",
        }
        shown = {
            name
            for name in ways
            if url(order, name) in staff.get(change_url(order)).content.decode()
        }
        assert shown == {name for name in ways if ways[name] in states.TRANSITIONS[status]}

    def test_are_none_while_a_payment_has_no_outcome(self, staff, as_customer, order):
        assert pay(as_customer, order.pk, "tok_timeout").status_code == 202
        page = staff.get(change_url(order))
        assert url(order, "cancel") not in page.content.decode()
        assert page.context["waits_for"] == "the payment's outcome"


class TestActions:
    def test_ship_and_deliver_an_order(self, staff, paid):
        answer = staff.press(url(paid, "ship"), note="parcel 12")
        assert messages_of(answer) == [f"{paid.number} is shipped."]
        assert answer["Location"] == change_url(paid)
        assert last_change(paid) == ("shipped", f"staff:{staff.user_id}", "parcel 12")
        answer = staff.press(url(paid, "deliver"), note="")
        assert again(paid).status == "delivered"
        assert audited(paid) == [
            ("order.shipped", staff.user_id),
            ("order.delivered", staff.user_id),
        ]
        history = staff.get(url(paid, "history")).content.decode()
        assert "order.shipped" in history
        assert "order.delivered" in history

    def test_cancel_an_order_for_a_reason(self, staff, order):
        refused = staff.press(url(order, "cancel"), reason="")
        assert list(refused.context["form"].errors) == ["reason"]
        assert again(order).status == "placed"
        answer = staff.press(url(order, "cancel"), reason="called by the customer")
        assert messages_of(answer) == [f"{order.number} is cancelled."]
        who = f"staff:{staff.user_id}"
        assert last_change(order) == ("cancelled", who, "called by the customer")
        assert audited(order) == [("order.cancelled", staff.user_id)]

    @pytest.mark.parametrize("restock", [True, False], ids=["back", "lost"])
    def test_refund_an_order_with_or_without_its_goods(self, staff, paid, restock):
        sent = {"reason": "broken", **({"restock": "on"} if restock else {})}
        staff.press(url(paid, "refund"), **sent)
        assert again(paid).status == "refunded"
        assert Payment.objects.get(order=paid).status == "refunding"
        event = OutboxEvent.objects.get(type="order.refunded")
        assert (event.data["restock"], event.data["reason"]) == (restock, "broken")
        assert audited(paid) == [("order.refunded", staff.user_id)]

    def test_expect_the_goods_back_that_were_not_sent(self, staff, paid):
        assert staff.get(url(paid, "refund")).context["form"].initial == {"restock": True}
        staff.press(url(paid, "ship"), note="")
        assert staff.get(url(paid, "refund")).context["form"].initial == {"restock": False}

    def test_tell_in_a_sentence_what_the_state_refuses(self, staff, as_customer, order):
        token = token_of(staff.get(url(order, "cancel")))
        assert cancel(as_customer, order.pk).status_code == 200
        before = last_change(order)
        for name in ("ship", "deliver", "cancel", "refund"):
            sent = {"csrfmiddlewaretoken": token, "note": "", "reason": "late"}
            answer = staff.post(url(order, name), sent)
            assert answer.status_code == 200, name
            assert answer.context["form"].non_field_errors() == ["The order is cancelled"], name
        assert last_change(order) == before
        assert audited(order) == []

    def test_change_nothing_when_looked_at(self, staff, paid):
        for name in ("ship", "deliver", "cancel", "refund"):
            assert staff.get(url(paid, name)).status_code == 200
        assert again(paid).status == "paid"

    def test_need_the_pages_own_token(self, staff, paid):
        assert staff.post(url(paid, "ship"), {"note": ""}).status_code == 403
        assert again(paid).status == "paid"


class TestSelection:
    def test_is_shipped_and_delivered(self, staff, as_customer, paid):
        unpaid = Order.objects.get(pk=place(as_customer).json()["id"])
        asked = select(staff, "ship_selected", paid, unpaid)
        assert paid.number in asked.content.decode()
        assert unpaid.number not in asked.content.decode()
        assert again(paid).status == "paid"
        answer = select(staff, "ship_selected", paid, unpaid, confirmed="yes")
        assert messages_of(answer) == ["1 order shipped."]
        answer = select(staff, "deliver_selected", paid, unpaid, confirmed="yes")
        assert messages_of(answer)[-1] == "1 order delivered."
        assert again(unpaid).status == "placed"
        assert audited(paid) == [
            ("order.shipped", staff.user_id),
            ("order.delivered", staff.user_id),
        ]

    def test_is_cancelled_for_one_reason(self, staff, as_customer, order):
        other = Order.objects.get(pk=place(as_customer).json()["id"])
        assert "reason" in select(staff, "cancel_selected", order, other).context["form"].fields
        refused = select(staff, "cancel_selected", order, other, confirmed="yes", reason=" ")
        assert list(refused.context["form"].errors) == ["reason"]
        assert again(order).status == "placed"
        answer = select(
            staff, "cancel_selected", order, other, confirmed="yes", reason="out of business"
        )
        assert messages_of(answer) == ["2 orders cancelled."]
        for one in (order, other):
            who = f"staff:{staff.user_id}"
            assert last_change(one) == ("cancelled", who, "out of business")

    def test_without_any_that_needs_it_is_told(self, staff, order):
        answer = select(staff, "ship_selected", order)
        assert messages_of(answer) == ["There is nothing left to do."]

    def test_tells_of_each_that_another_was_faster_with(
        self, staff, as_customer, paid, monkeypatch
    ):
        from apps.order_service import services

        real = services.ship_order

        def late(**arguments):
            real(**{**arguments, "who": f"staff:{uuid7()}"})
            real(**arguments)

        monkeypatch.setattr(services, "ship_order", late)
        answer = select(staff, "ship_selected", paid, confirmed="yes")
        label = f"{paid.number}, {paid.total:,.2f} EUR"
        assert messages_of(answer) == [
            f"1 order could not be shipped ({label}): The order is shipped"
        ]
