"""Mail that cannot be sent."""

import logging
import smtplib
from datetime import UTC, datetime, timedelta

import pytest
from django.core.mail import EmailMultiAlternatives

from apps.auth_service.models import LoginCounter
from apps.auth_service.services import attempts, mail, passwords
from chassis.events import inbox
from chassis.models import InboxEvent
from tests.auth_service.factories import make_user

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
class TestFailure:
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
        assert not LoginCounter.objects.exists()  # a mail that was not sent does not count
        InboxEvent.objects.update(not_before=NOON)
        assert inbox.retry_due() == 1
        assert mailoutbox[0].to == ["ann@shop.example"]


@pytest.mark.django_db
class TestCount:
    def test_begins_anew_after_an_hour(self, mailoutbox):
        user = make_user()
        times = [NOON, *[NOON + timedelta(minutes=59)] * 5, NOON + timedelta(minutes=60)]
        told = [mail.send_password_reset(user.email, now=now) for now in times]
        assert told == ["mail sent"] * 5 + ["too many mails", "mail sent"]

    def test_is_forgotten_with_the_failures(self, mailoutbox):
        mail.send_password_reset(make_user().email, now=NOON)
        assert attempts.delete_forgotten(now=NOON + timedelta(minutes=59)) == 0
        assert attempts.delete_forgotten(now=NOON + timedelta(minutes=60)) == 1
