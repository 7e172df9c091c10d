"""The admin of the order service: every page, who may see it, and what it can be asked."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from apps.order_service.admin import filters, site
from apps.order_service.models import (
    CartItem,
    Customer,
    KnownProduct,
    Order,
    Payment,
    WebhookMessage,
)
from chassis import circuit
from chassis.admin.dashboard import bus_cards
from chassis.ids import first_uuid7
from chassis.models import OutboxEvent
from tests.order_service.factories import pay, place
from tests.staff import change_url, foreign_urls, lists

HOME = "/admin/orders/"
ORDERS = f"{HOME}orders/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(staff_browser):
    return staff_browser("staff")


def placed(client, *lines, **changes):
    """Place an order; return its row."""
    answer = place(client, *lines, **changes)
    return Order.objects.get(pk=answer.json()["id"])


def fill(client, catalog):
    """Have something on every page; names that a page must not take for markup."""
    catalog.stock("RUG", price="50.00", name="Rug <b>", available=10)
    Customer.objects.create(user_id=client.user_id, email="Ada@example.com", name="Ada <b>")
    unpaid = placed(client, ("RUG", 2), ("LAMP", 1))
    paid = placed(client, ("LAMP", 3))
    assert pay(client, paid.pk).status_code == 201
    declined = pay(client, unpaid.pk, "tok_declined")
    assert declined.status_code == 402
    KnownProduct.objects.create(sku="RUG", name="Rug <b>")
    CartItem.objects.create(user_id=client.user_id, sku="RUG", quantity=2)
    WebhookMessage.objects.create(
        id="msg_<b>1",
        type="payment.succeeded",
        payment=Payment.objects.get(order=paid),
        sent_at=timezone.now(),
        effect="paid",
        request_id="r-1",
    )
    return unpaid, Order.objects.get(pk=paid.pk)


def shown(page):
    return list(page.context["cl"].result_list)


def queries(browser, url):
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(url).status_code == 200
    return len(captured)


NARROWED = {
    "order/": 2,
    "order/?status=paid": 1,
    "order/?status=shipped": 0,
    "order/?status=nonsense": 0,
    "order/?sku=LAMP": 2,
    "order/?sku=RUG": 1,
    "order/?sku=rug": 0,
    f"order/?sku={'X' * 65}": 0,
    "order/?payment=declined": 1,
    "order/?payment=open": 0,
    "order/?payment=refunding": 0,
    "order/?payment=refunded": 0,
    "order/?payment=nonsense": 2,
    "order/?q=RUG": 1,
    "order/?q=ada@": 2,
    "order/?q=ADA": 2,
    "order/?q=bob": 0,
    "order/?q=%25": 0,
    f"order/?q={'a' * 3000}": 0,
    "order/?created_at_from=2020-01-01&created_at_to=2020-01-02": 0,
    "order/?created_at_from=2020-01-01": 2,
    "order/?created_at_from=0001-01-01&created_at_to=9999-12-31": 2,
    "order/?created_at_to=0001-01-01": 0,
    "order/?created_at_from=nonsense": 2,
    "cartitem/": 1,
    "cartitem/?q=ada@example": 1,
    "cartitem/?q=bob": 0,
    "payment/": 2,
    "payment/?status=open": 0,
    "payment/?status=unknown": 0,
    "payment/?status=succeeded": 1,
    "payment/?status=declined": 1,
    "payment/?status=refunding": 0,
    "payment/?q=nonsense": 0,
    "webhookmessage/": 1,
    "webhookmessage/?q=msg_%3Cb%3E1": 1,
    "webhookmessage/?q=nonsense": 0,
    "webhookmessage/?received_at_from=2020-01-01&received_at_to=2020-01-02": 0,
}
"""How many rows a list shows of what `fill` makes."""


class TestPages:
    def test_open_without_rows(self, staff):
        for _, url in [(None, HOME), *lists(site)]:
            assert staff.get(url).status_code == 200, url

    def test_open_and_show_text_as_text(self, staff, as_customer, catalog):
        fill(as_customer, catalog)
        pages = [HOME]
        for model, url in lists(site):
            pages.append(url)
            if model in {Order, CartItem, Payment, WebhookMessage}:
                pages += [change_url(row) for row in model.objects.all()]
        for path in pages:
            page = staff.get(path)
            content = page.content.decode()
            assert page.status_code == 200, path
            assert foreign_urls(content) == [], path
            assert "Rug <b>" not in content, path
            assert "Ada <b>" not in content, path
            assert "_<b>1" not in content, path

    def test_are_closed_to_everybody_else(self, client, staff_browser, as_customer, catalog):
        order, _ = fill(as_customer, catalog)
        customer = staff_browser("customer", as_customer.user_id)
        page = change_url(order)
        actions = [page.replace("change", name) for name in ("ship", "deliver", "cancel", "refund")]
        export = f"{ORDERS}order/export/"
        for url in [HOME, page, *actions, export, *(url for _, url in lists(site))]:
            assert client.get(url).status_code == 302, url
            assert customer.get(url).status_code == 302, url
            assert customer.post(url).status_code in {307, 403}, url
        assert Order.objects.get(pk=order.pk).status == "placed"

    def test_have_no_field_to_edit(self, staff, as_customer, catalog):
        order, paid = fill(as_customer, catalog)
        rows = [paid, *Payment.objects.all(), *CartItem.objects.all(), WebhookMessage.objects.get()]
        for row in (order, *rows):
            content = staff.get(change_url(row)).content.decode()
            main = content.partition('id="content"')[2]
            assert "<select" not in main
            assert "<textarea" not in main
            assert 'type="text"' not in main
            assert staff.get(change_url(row).replace("change", "delete")).status_code == 403
        assert staff.get(f"{ORDERS}order/add/").status_code == 403
        answer = staff.press(
            f"{change_url(paid)[: -len('change/')]}ship/", note="", status="refunded"
        )
        assert answer.status_code == 302
        assert Order.objects.get(pk=paid.pk).status == "shipped"

    def test_cost_the_same_number_of_queries_however_many_rows_they_show(
        self, staff, as_customer, client_as, catalog
    ):
        order, paid = fill(as_customer, catalog)
        urls = [HOME, *(url for _, url in lists(site)), change_url(order), change_url(paid)]
        few = {url: queries(staff, url) for url in urls}
        for number in range(3):
            other = client_as("customer")
            Customer.objects.create(user_id=other.user_id, email=f"b{number}@b.org", name="B")
            placed(other, ("LAMP", 1), ("RUG", 1))
            CartItem.objects.create(user_id=other.user_id, sku="LAMP", quantity=1)
            assert pay(as_customer, order.pk, "tok_declined").status_code == 402
        assert {url: queries(staff, url) for url in urls} == few
        assert max(few.values()) <= 24

    def test_are_found_without_the_last_slash(self, staff):
        assert staff.get("/admin/orders")["Location"] == HOME

    def test_can_be_narrowed(self, staff, as_customer, catalog):
        fill(as_customer, catalog)
        counts = {path: len(shown(staff.get(ORDERS + path))) for path in NARROWED}
        assert counts == NARROWED

    def test_find_an_order_by_whatever_names_it(self, staff, as_customer, catalog):
        unpaid, paid = fill(as_customer, catalog)
        typed = unpaid.number.lower().replace("-", "").replace("0", "o").replace("1", "l")
        for term in (unpaid.number, typed, f" {unpaid.pk} ", str(unpaid.pk).upper()):
            assert shown(staff.get(f"{ORDERS}order/", {"q": term})) == [unpaid], term
        found = shown(staff.get(f"{ORDERS}order/", {"q": str(as_customer.user_id)}))
        assert found == [paid, unpaid]
        payment = Payment.objects.get(order=paid)
        for term in (paid.number, str(paid.pk), str(payment.pk)):
            assert shown(staff.get(f"{ORDERS}payment/", {"q": term})) == [payment], term
        message = shown(staff.get(f"{ORDERS}webhookmessage/", {"q": str(payment.pk)}))
        assert [one.payment_id for one in message] == [payment.pk]

    def test_find_a_product_that_is_called_like_an_id(self, staff, as_customer, catalog):
        sku = str(UUID(int=7))
        catalog.stock(sku, price="1.00", name="Odd", available=1)
        order = placed(as_customer, (sku, 1))
        assert shown(staff.get(f"{ORDERS}order/", {"q": sku})) == [order]

    def test_of_a_day_end_at_its_midnight(self, staff, as_customer, catalog):
        order, _ = fill(as_customer, catalog)
        day = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        Order.objects.filter(pk=order.pk).update(number="0000-0000")
        for number, at in (("A", day - timedelta(milliseconds=1)), ("B", day)):
            row = Order.objects.get(number="0000-0000")
            row.pk, row.number = first_uuid7(at), number
            row.save(force_insert=True)
        narrowed = {"created_at_from": f"{day - timedelta(days=1):%Y-%m-%d}"}
        narrowed["created_at_to"] = narrowed["created_at_from"]
        found = shown(staff.get(f"{ORDERS}order/", narrowed))
        assert [one.number for one in found] == ["A"]

    def test_look_for_what_no_index_knows_among_the_latest_rows_alone(
        self, staff, as_customer, catalog, monkeypatch
    ):
        fill(as_customer, catalog)
        monkeypatch.setattr(filters, "_LATEST", 1)
        assert len(shown(staff.get(f"{ORDERS}order/?payment=declined"))) == 1
        assert len(shown(staff.get(f"{ORDERS}payment/?status=succeeded"))) == 0

    def test_refuse_what_no_filter_asks(self, staff, as_customer, catalog):
        fill(as_customer, catalog)
        asked = (
            "order/?shipping_address__name__startswith=A",
            "order/?number__regex=(A",
            "order/?sku=%00",
            "order/?q=%00",
            "order/export/?user_id=1",
            "payment/?provider_reference__startswith=a",
        )
        assert {path: staff.get(ORDERS + path).status_code for path in asked} == dict.fromkeys(
            asked, 400
        )

    @pytest.mark.parametrize(
        "path", ["order/nonsense/change/", f"order/{UUID(int=1)}/change/", "payment/x/change/"]
    )
    def test_of_nothing_lead_back(self, staff, path):
        assert staff.get(ORDERS + path).status_code == 302

    @pytest.mark.parametrize("name", ["ship", "deliver", "cancel", "refund", "history"])
    def test_of_actions_on_nothing_are_not_found(self, staff, name):
        assert staff.get(f"{ORDERS}order/nonsense/{name}/").status_code == 404
        assert staff.get(f"{ORDERS}order/{UUID(int=1)}/{name}/").status_code == 404


class TestOrderPage:
    def test_leads_to_all_that_belongs_to_it(self, staff, as_customer, catalog):
        _, paid = fill(as_customer, catalog)
        content = staff.get(change_url(paid)).content.decode()
        payment = Payment.objects.get(order=paid)
        events = OutboxEvent.objects.filter(subject=str(paid.pk))
        assert {event.type for event in events} == {"order.placed", "order.paid"}
        for url in (
            *map(change_url, [payment, *events]),
            f"/admin/auth/accounts/user/{as_customer.user_id}/change/",
            f"/admin/catalog/catalog/reservation/{paid.pk}/change/",
            "/admin/catalog/catalog/product/?q=LAMP",
            f"/admin/catalog/chassis/inboxevent/?q={paid.pk}",
        ):
            assert f'href="{url}"' in content, url
        assert change_url(paid) in staff.get(change_url(payment)).content.decode()
        assert "Ada@example.com" in content

    def test_tells_what_happened(self, staff, as_customer, catalog):
        _, paid = fill(as_customer, catalog)
        page = staff.get(change_url(paid))
        kinds = {str(entry.kind) for entry in page.context["timeline"]}
        assert {"status", "event", "payment", "message"} <= kinds
        changes = [(row.from_status, row.to_status) for row in page.context["history"]]
        assert changes == [("", "pending"), ("pending", "placed"), ("placed", "paid")]

    def test_tells_of_an_order_without_prices(self, staff, as_customer, catalog):
        catalog.down = True
        order = placed(as_customer, ("LAMP", 2))
        page = staff.get(change_url(order))
        assert "it was not placed yet" in page.content.decode()
        assert page.context["waits_for"] == "an answer of the catalog"

    def test_calls_goods_without_prices_as_the_catalog_last_did(self, staff, as_customer, catalog):
        catalog.down = True
        order = placed(as_customer, ("LAMP", 2), ("CHAIR", 1))
        KnownProduct.objects.create(sku="LAMP", name="Brass lamp")
        page = staff.get(change_url(order))
        assert [name for _, name, _ in page.context["lines"]] == ["Brass lamp", ""]
        assert "Brass lamp" in page.content.decode()

    @pytest.mark.parametrize(
        ("minutes", "told"), [(14.5, "payment, 14 min left"), (-1, "payment, its time is over")]
    )
    def test_tells_how_long_there_is_to_pay(self, staff, as_customer, minutes, told):
        order = placed(as_customer)
        order.expires_at = timezone.now() + timedelta(minutes=minutes)
        order.save()
        for page in (change_url(order), f"{ORDERS}order/"):
            assert told in strip_tags(staff.get(page).content.decode())

    def test_tells_of_a_customer_of_whom_nothing_is_known(self, staff, as_customer):
        order = placed(as_customer)
        assert str(as_customer.user_id) in staff.get(change_url(order)).content.decode()
        assert str(as_customer.user_id) in staff.get(f"{ORDERS}order/").content.decode()


class TestExport:
    def test_holds_the_orders_of_the_list(self, staff, as_customer, catalog):
        unpaid, paid = fill(as_customer, catalog)
        for narrowed, numbers in (
            ("", {unpaid.number, paid.number}),
            ("?sku=RUG", {unpaid.number}),
        ):
            page = staff.get(f"{ORDERS}order/{narrowed}")
            (button,) = page.context["actions_list"]
            answer = staff.get(button["path"])
            assert answer["Content-Type"] == "text/csv; charset=utf-8"
            assert "attachment" in answer["Content-Disposition"]
            text = b"".join(answer.streaming_content).decode()
            assert {number for number in (unpaid.number, paid.number) if number in text} == numbers
            assert len(text.splitlines()) == len(numbers) + 1


class TestOverview:
    def test_shows_what_there_is(self, staff, as_customer, catalog):
        _, paid = fill(as_customer, catalog)
        catalog.down = True
        placed(as_customer, ("LAMP", 2))
        overview = staff.get(HOME).context["dashboard"]
        of_events = {card.title for card in bus_cards()}
        cards = {card.title: card.value for card in overview.cards if card.title not in of_events}
        assert cards == {
            "Orders today": "2",
            "Revenue today": f"{paid.total:,.2f}",
            "To be shipped": "1",
            "Awaiting payment": "1",
            "Pending orders": "1",
            "Payments without an outcome": "0",
            "Refunds under way": "0",
        }
        per_day, revenue, by_status, ages = overview.charts
        assert (per_day.series["orders"][-1], sum(per_day.series["orders"])) == (2, 2)
        assert revenue.series["EUR"][-1] == round(paid.total)
        statuses = dict(zip(by_status.labels, by_status.series["orders"], strict=True))
        assert statuses == {
            **dict.fromkeys(statuses, 0),
            "pending": 1,
            "placed": 1,
            "paid": 1,
        }
        assert sum(ages.series["orders"]) == 1
        assert [line.text for line in overview.listings[0].lines] == [paid.number]

    def test_leads_to_what_its_figures_count(self, staff, as_customer, catalog):
        fill(as_customer, catalog)
        Payment.objects.filter(status="declined").update(
            status="unknown", settle_after=timezone.now(), settled_at=None
        )
        for card in staff.get(HOME).context["dashboard"].cards:
            if card.link and "chassis" not in card.link:
                assert len(shown(staff.get(card.link))) == int(card.value), card.title

    def test_warns_of_what_waits_for_long(self, staff, as_customer, catalog):
        _, paid = fill(as_customer, catalog)
        catalog.down = True
        pending = placed(as_customer)
        before = timezone.now() - timedelta(minutes=7)
        Order.objects.filter(pk=pending.pk).update(created_at=before)
        Payment.objects.filter(status="declined").update(
            status="unknown", settle_after=before, settled_at=None, created_at=before
        )
        Payment.objects.filter(order=paid).update(
            status="refunding", refund_after=before, settled_at=before
        )
        Order.objects.filter(pk=paid.pk).update(status="refunded", refunded_at=before)
        overview = staff.get(HOME).context["dashboard"]
        levels = {card.title: (card.level, card.hint) for card in overview.cards}
        for title in ("Pending orders", "Payments without an outcome", "Refunds under way"):
            assert levels[title] == ("warning", "the oldest waits for 7 min")
        assert (
            dict(zip(overview.charts[3].labels, overview.charts[3].series["orders"], strict=True))[
                "5 to 10 min"
            ]
            == 1
        )
        marked = shown(staff.get(f"{ORDERS}order/?payment=refunding"))
        assert [one.pk for one in marked] == [paid.pk]
        assert "the refund" in staff.get(f"{ORDERS}order/?payment=refunding").content.decode()

    def test_counts_a_refund_of_money_that_came_too_late_from_when_it_came(
        self, staff, as_customer, catalog
    ):
        _, paid = fill(as_customer, catalog)
        came = timezone.now() - timedelta(minutes=7)
        second = {"method": "card", "amount": paid.total, "currency": paid.currency}
        Payment.objects.create(
            order=paid, status="refunding", refund_after=came, settled_at=came, **second
        )
        cards = {card.title: card for card in staff.get(HOME).context["dashboard"].cards}
        assert cards["Refunds under way"].hint == "the oldest waits for 7 min"

    def test_tells_that_the_catalog_does_not_answer(self, staff, monkeypatch):
        monkeypatch.setattr(circuit.of("catalog"), "_open", True)
        cards = {card.title: card for card in staff.get(HOME).context["dashboard"].cards}
        assert cards["Pending orders"].level == "danger"
        assert cards["Pending orders"].hint.endswith("the catalog does not answer now")

    def test_is_of_the_last_30_days(self, staff, as_customer, catalog):
        _, paid = fill(as_customer, catalog)
        before = timezone.now() - timedelta(days=31)
        Order.objects.filter(pk=paid.pk).update(placed_at=before, paid_at=before)
        per_day, revenue, *_ = staff.get(HOME).context["dashboard"].charts
        assert sum(per_day.series["orders"]) == 1
        assert revenue.is_empty


class TestSite:
    def test_passes_djangos_checks(self):
        assert site.check(None) == []
