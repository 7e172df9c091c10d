"""Mail that cannot be sent."""

import logging
import smtplib
from datetime import UTC, datetime, timedelta

import pytest
from django.core.mail import EmailMultiAlternatives

from apps.auth_service.models import Counter
from apps.auth_service.services import counters, mail, passwords
from chassis.events import inbox
from chassis.models import InboxEvent
from tests.auth_service.factories import make_user

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
class TestFailure:
    def test_is_final_for_an_address_that_has_no_form_for_the_wire(self, work):
        passwords.request_reset(make_user(email=f"a@{'üñ' * 30}.io").email)
        work()
        row = InboxEvent.objects.get()
        assert (row.effect, row.dead_at) == ("no mail can be sent there", None)

    @pytest.mark.parametrize(
        "failure",
        [
            smtplib.SMTPRecipientsRefused({"ann@shop.example": (550, b"no ann@shop.example")}),
            smtplib.SMTPServerDisconnected("while writing to ann@shop.example"),
            TimeoutError("ann@shop.example"),
        ],
    )
    def test_is_tried_again_and_names_no_address(
        self, failure, work, mailoutbox, monkeypatch, caplog
    ):
        caplog.set_level(logging.DEBUG)
        user = make_user(email="ann@shop.example")

        def refuse(self: EmailMultiAlternatives) -> int:
            raise failure

        with monkeypatch.context() as patched:
            patched.setattr(EmailMultiAlternatives, "send", refuse)
            passwords.request_reset(user.email)
            work()
        row = InboxEvent.objects.get()
        assert (row.handled_at, row.attempts) == (None, 1)
        assert type(failure).__name__ in row.error
        told = row.error + "".join(f"{record.msg} {record.args}" for record in caplog.records)
        assert "event_failed" in told
        assert "ann@shop" not in told
        assert not Counter.objects.exists()  # a mail that was not sent does not count
        InboxEvent.objects.update(not_before=NOON)
        assert inbox.retry_due() == 1
        assert mailoutbox[0].to == ["ann@shop.example"]


@pytest.mark.django_db
class TestCount:
    def test_begins_anew_an_hour_after_the_last(self, mailoutbox):
        user = make_user()
        minutes = [0, 59, 59, 59, 59, 59, 118, 119]
        told = [
            mail.send_password_reset(
                user.email, message_id="<1@test>", now=NOON + timedelta(minutes=n)
            )
            for n in minutes
        ]
        assert told == ["mail sent"] * 5 + ["too many mails"] * 2 + ["mail sent"]

    def test_begins_anew_when_nobody_asked_for_an_hour(self, mailoutbox):
        user = make_user()
        minutes = [0, 0, 0, 0, 60, 60, 60, 60, 60]
        told = [
            mail.send_password_reset(
                user.email, message_id="<1@test>", now=NOON + timedelta(minutes=n)
            )
            for n in minutes
        ]
        assert told == ["mail sent"] * 9

    def test_leaves_out_what_staff_asks_for(self, work, mailoutbox):
        user = make_user()
        for _ in range(6):
            passwords.request_reset(user.email)
        passwords.send_reset(user.id, by=make_user(role="admin").id)
        assert work() == ["mail sent"] * 5 + ["too many mails", "mail sent"]
        assert mailoutbox[-1].to == [user.email]

    def test_is_forgotten_with_the_failures(self, mailoutbox):
        mail.send_password_reset(make_user().email, message_id="<1@test>", now=NOON)
        assert counters.delete_forgotten(now=NOON + timedelta(minutes=59)) == 0
        assert counters.delete_forgotten(now=NOON + timedelta(minutes=60)) == 1
