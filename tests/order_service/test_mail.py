"""Mail to customers: what each tells, to whom, and that it comes once."""

import logging
import re
from html import unescape
from typing import Any

import pytest
from django.db import transaction

from apps.order_service import services
from apps.order_service.domain.states import OrderStatus
from apps.order_service.models import Customer, Order
from apps.order_service.services.transitions import change_status
from chassis.events import failures, inbox
from chassis.ids import uuid7
from chassis.models import InboxEvent
from tests.conftest import envelope
from tests.order_service.factories import ADDRESS, call, draft
from tests.smtp import MailServer, serving

pytestmark = pytest.mark.django_db

ADA = "ada@shop.example"
JOB = "job:recovery"


def make_order(*lines: tuple[str, int], **changes: Any) -> Order:
    """Return an order as the catalog of the moment lets it be, of a customer who is known."""
    user_id = uuid7()
    Customer.objects.create(user_id=user_id, email=ADA, name="Ada & Bo")
    services.place_order(call=call(user_id), draft=draft(user_id, *lines, **changes))
    return Order.objects.get(user_id=user_id)


def move(order: Order, *steps: str, who: str = JOB, why: str = "") -> None:
    """Move an order on, step by step."""
    for step in steps:
        with transaction.atomic():
            source = OrderStatus(order.status)
            assert change_status(order.id, source, OrderStatus(step), who=who, why=why)
        order.refresh_from_db()


def message(order: Order, status: str) -> dict[str, Any]:
    """Return the event that an order came to a status, as it comes off the queue."""
    data = {
        "order_id": str(order.id),
        "user_id": str(order.user_id),
        "payment_id": str(uuid7()),
        "number": order.number,
        "lines": [],
        "total": "1.00",
        "currency": "EUR",
        "reason": "secret note",
        "restock": True,
    }
    return envelope(f"order.{status}", data, str(order.id))


def hear(order: Order, status: str) -> InboxEvent:
    """Let the event that an order came to a status be handled; return what the inbox holds of it."""
    sent = message(order, status)
    inbox.receive(sent)
    return InboxEvent.objects.get(event_id=sent["id"])


@pytest.fixture
def pending(catalog: Any) -> Order:
    """Return an order that catalog could not be asked about."""
    catalog.down = True
    return make_order(("LAMP", 2), ("CHAIR", 1))


class TestEachStep:
    @pytest.mark.parametrize(
        ("steps", "subject", "words"),
        [
            ("placed", "We have your order {}", "Please pay 144.70 EUR by 2 May 2026, 12:30 UTC."),
            ("placed paid", "Your order {} is paid", "your payment of 144.70 EUR for order {}"),
            ("placed paid shipped", "Your order {} is on its way", "on its way to the address"),
            ("placed paid shipped delivered", "Your order {} was delivered", "did not reach you"),
            ("placed paid refunded", "Refund for your order {}", "you get back the 144.70 EUR"),
            ("placed cancelled", "Your order {} is cancelled", "Nothing was charged"),
            ("placed paid cancelled", "Your order {} is cancelled", "You get back the 144.70 EUR"),
        ],
    )
    def test_is_told_with_the_whole_order_in_text_and_html(self, mailoutbox, steps, subject, words):
        order = make_order(("LAMP", 2), ("CHAIR", 1))
        Order.objects.filter(id=order.id).update(expires_at="2026-05-02T12:30:00Z")
        *_, last = steps.split()
        move(order, *steps.split()[1:])
        assert hear(order, last).effect == "mail sent"
        (mail,) = mailoutbox
        assert mail.to == [ADA]
        assert mail.subject == subject.format(order.number)
        text, html = mail.body, text_of(mail.alternatives[0].content)
        for told in (words.format(order.number), "Hello Ada & Bo,", "2 x 19.90 EUR", "1015 CN"):
            assert told in " ".join(text.split())
            assert told in html
        assert re.search(r"^Lamp\n  2 x 19.90 EUR {48} *39.80 EUR$", text, re.MULTILINE)
        sums = {"Goods": "139.80", "Shipping": "4.90", "Tax": "0.00", "Total": "144.70"}
        for name, amount in sums.items():
            assert re.search(rf"^{name} +{amount} EUR$", text, re.MULTILINE)
            assert f"{name} {amount} EUR" in html
        assert max(map(len, text.splitlines())) <= 76
        assert "secret note" not in text + html  # a reason is for people of the shop

    @pytest.mark.parametrize(
        ("who", "words"),
        [
            ("user:{}", "you cancelled your order"),
            ("staff:{}", "we have cancelled your order"),
            ("job:expiry", "was not paid in time. We have cancelled it."),
            ("job:deactivation", "is cancelled, because your account was closed."),
        ],
        ids=["customer", "staff", "expiry", "account closed"],
    )
    def test_says_who_cancelled_it_and_why(self, mailoutbox, who, words):
        order = make_order()
        move(order, "cancelled", who=who.format(uuid7()), why="secret note")
        hear(order, "cancelled")
        (mail,) = mailoutbox
        assert words in " ".join(mail.body.split())
        assert "secret note" not in mail.body

    @pytest.mark.parametrize(
        ("status", "why", "words"),
        [
            ("cancelled", "", "could not find out in time whether all of your order"),
            ("rejected", "out-of-stock", "not all of your order {} is in stock"),
            ("rejected", "unknown-sku", "something in your order {} is no longer for sale"),
            ("rejected", "price-changed", "the price of your order {} has changed"),
            ("rejected", "state-conflict", "we could not place your order {}."),
        ],
    )
    def test_of_an_order_without_prices_names_what_was_wanted(
        self, mailoutbox, pending, status, why, words
    ):
        move(pending, status, why=why)
        hear(pending, status)
        (mail,) = mailoutbox
        assert words.format(pending.number) in " ".join(mail.body.split())
        assert "Nothing was charged" in mail.body
        assert "2 x LAMP\n1 x CHAIR\n\nAddress" in mail.body
        assert "2 x LAMP" in text_of(mail.alternatives[0].content)
        assert "Total" not in mail.body

    @pytest.mark.parametrize("status", ["cancelled", "rejected"])
    @pytest.mark.parametrize("from_cart", [True, False], ids=["from a cart", "from no cart"])
    def test_tells_what_is_back_in_the_cart(self, mailoutbox, pending, status, from_cart):
        Order.objects.update(from_cart=from_cart)
        move(pending, status)
        hear(pending, status)
        assert ("back in your cart" in mailoutbox[0].body) == from_cart

    def test_to_a_closed_account_tells_of_no_cart(self, mailoutbox, pending):
        Order.objects.update(from_cart=True)
        move(pending, "cancelled", who="job:deactivation")
        hear(pending, "cancelled")
        assert "cart" not in mailoutbox[0].body

    def test_that_cancels_a_placed_order_tells_of_no_cart(self, mailoutbox):
        order = make_order()
        Order.objects.update(from_cart=True)
        move(order, "cancelled")
        hear(order, "cancelled")
        assert "cart" not in mailoutbox[0].body

    def test_says_nothing_of_a_refusal_that_was_an_answer(self, mailoutbox, pending):
        move(pending, "rejected", who=f"user:{pending.user_id}", why="out-of-stock")
        assert hear(pending, "rejected").effect == "the customer was told at once"
        assert mailoutbox == []


class TestWordsOfOthers:
    def test_are_escaped_in_html_and_kept_on_their_line_in_text(self, mailoutbox, catalog):
        catalog.stock("LAMP", price="1.00", name="<i>Lamp</i>\n\nPay to: eve & co\x1b[2J")
        order = make_order(("LAMP", 1))
        Order.objects.update(shipping_address={**ADDRESS, "line2": "<b>c/o</b>\r\nSent by eve"})
        Customer.objects.update(name="Ada\n\nBcc: eve@evil.example\u2028<script>")
        hear(order, "placed")
        (mail,) = mailoutbox
        html = mail.alternatives[0].content
        for line in (
            "Hello Ada Bcc: eve@evil.example <script>,",
            "<i>Lamp</i> Pay to: eve & co [2J",
            "<b>c/o</b> Sent by eve",
        ):
            assert line in mail.body.splitlines()
            assert line not in html
            assert line in unescape(html)
        assert mail.to == [ADA]
        assert set(mail.extra_headers) == {"Message-ID", "Auto-Submitted"}


class TestLate:
    @pytest.mark.parametrize(
        ("steps", "late", "effect"),
        [
            ("paid", "placed", "mail sent"),
            ("paid shipped", "placed", "mail sent"),
            ("paid shipped delivered", "paid", "mail sent"),
            ("cancelled", "placed", "left out: the order is cancelled"),
            ("paid refunded", "placed", "left out: the order is refunded"),
            ("paid cancelled", "paid", "left out: the order is cancelled"),
            ("paid shipped refunded", "shipped", "left out: the order is refunded"),
            ("paid shipped delivered", "shipped", "left out: the order is delivered"),
            ("paid shipped delivered refunded", "delivered", "mail sent"),
        ],
    )
    def test_is_left_out_where_what_it_promises_is_broken(self, mailoutbox, steps, late, effect):
        order = make_order()
        move(order, *steps.split())
        assert hear(order, late).effect == effect
        assert len(mailoutbox) == (effect == "mail sent")


class TestWhoIsNotKnown:
    def test_is_written_to_once_they_are(self, mailoutbox):
        order = make_order()
        Customer.objects.all().delete()
        row = hear(order, "placed")
        assert (row.handled_at, row.attempts, row.dead_at) == (None, 1, None)
        assert f"NobodyToTell: user {order.user_id} is not known" in row.error
        services.remember_customer(user_id=order.user_id, email=ADA, name="", sequence=1)
        assert retry(row).effect == "mail sent"
        assert "Hello,\n" in mailoutbox[0].body

    def test_is_a_dead_letter_in_the_end(self, mailoutbox):
        order = make_order()
        Customer.objects.all().delete()
        row = hear(order, "placed")
        for _ in range(failures.MAX_ATTEMPTS - 1):
            assert row.dead_at is None
            row = retry(row)
        assert row.dead_at is not None
        assert mailoutbox == []

    @pytest.mark.parametrize("known", [True, False], ids=["another status", "no order"])
    def test_is_as_good_as_an_order_that_did_not_come_so_far(self, mailoutbox, known):
        order = make_order() if known else Order(id=uuid7(), user_id=uuid7(), number="")
        row = hear(order, "paid")
        assert f"NobodyToTell: order {order.id} is not known to be paid" in row.error
        assert (row.handled_at, row.attempts, mailoutbox) == (None, 1, [])


class TestOnce:
    def test_for_an_event_that_comes_twice(self, mailoutbox):
        order = make_order()
        sent = message(order, "placed")
        for _ in range(2):
            inbox.receive(sent)
        (mail,) = mailoutbox
        name = f"<{sent['id']}.order.mail@souk.example>"
        assert mail.extra_headers["Message-ID"] == name

    @pytest.mark.django_db(transaction=True)
    def test_for_an_event_that_is_delivered_twice_at_once(self, mailoutbox, at_once):
        sent = message(make_order(), "placed")
        assert at_once(*[lambda: inbox.receive(sent)] * 2) == [None, None]
        assert len(mailoutbox) == 1

    def test_is_tried_again_under_the_same_id_where_the_server_fails(
        self, mail_by, settings, caplog
    ):
        caplog.set_level(logging.DEBUG)
        order = make_order()
        with serving(MailServer(refuses=True)) as refusing:
            mail_by(f"smtp://{refusing.address}")
            row = hear(order, "placed")
        assert (row.handled_at, row.attempts) == (None, 1)
        assert "MailFailed: SMTPRecipientsRefused" in row.error
        with serving(MailServer()) as taking:
            mail_by(f"smtp://{taking.address}")
            assert retry(row).effect == "mail sent"
        (mail,) = taking.mails
        assert taking.recipients == refusing.recipients == [ADA]
        assert mail["Message-ID"] == f"<{row.event_id}.order.mail@shop.example>"
        told = row.error + "".join(f"{r.msg} {r.args} {r.exc_text}" for r in caplog.records)
        assert "event_failed" in told
        assert ADA not in told


class TestConsole:
    def test_prints_the_whole_mail(self, mail_by, capfd, caplog):
        mail_by("console:")
        order = make_order()
        assert hear(order, "placed").effect == "mail sent"
        printed = capfd.readouterr().out
        assert f"Subject: We have your order {order.number}\n" in printed
        assert f"To: {ADA}\n" in printed
        assert "Auto-Submitted: auto-generated\n" in printed
        assert "\nHello Ada & Bo,\n" in printed
        assert "Content-Type: text/html" in printed
        assert ADA not in caplog.text


class TestCost:
    def test_is_one_query(self, django_assert_num_queries, mailoutbox):
        order = make_order(("LAMP", 2), ("CHAIR", 1))
        with django_assert_num_queries(1):
            services.mail_customer(
                order_id=order.id, status=OrderStatus.PLACED, message_id="<1@test>"
            )
        assert len(mailoutbox) == 1


def retry(row: InboxEvent) -> InboxEvent:
    """Let a failed event be tried again now."""
    InboxEvent.objects.filter(id=row.id).update(not_before=row.received_at)
    assert inbox.retry_due() == 1
    row.refresh_from_db()
    return row


def text_of(html: str) -> str:
    """Return what a reader sees of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
