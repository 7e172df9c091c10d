"""A mail goes to a real server, as MAIL_URL says."""

import logging
import re
from collections.abc import Callable
from html import unescape

import pytest

from apps.auth_service.models import Counter
from apps.auth_service.services import passwords
from chassis.events import inbox
from chassis.models import InboxEvent
from tests.auth_service.factories import make_user
from tests.smtp import MailServer, serving

EMAIL = "ann@shop.example"
LOG_IN = ("shop@mail.example", "a secret: /@%")
QUOTED = "shop%40mail.example:a%20secret%3A%20%2F%40%25"


@pytest.fixture
def told(caplog) -> Callable[[], str]:
    """Return a function that returns all that was logged and kept about a failed event."""
    caplog.set_level(logging.DEBUG)

    def go() -> str:
        logged = [f"{record.msg} {record.args} {record.exc_info}" for record in caplog.records]
        return InboxEvent.objects.get().error + "".join(logged)

    return go


@pytest.mark.django_db
class TestReset:
    @pytest.mark.parametrize(
        ("log_in", "user_part"), [(None, ""), (LOG_IN, f"{QUOTED}@")], ids=["no log-in", "log-in"]
    )
    def test_comes_as_text_and_html_with_a_link_that_is_good(
        self, work, mail_by, log_in, user_part
    ):
        user = make_user(email=EMAIL, name="Ann & Bo")
        with serving(MailServer(log_in=log_in)) as server:
            mail_by(f"smtp://{user_part}{server.address}")
            passwords.request_reset(EMAIL)
            assert work() == ["mail sent"]
        (mail,) = server.mails
        assert server.recipients == [EMAIL]
        assert (mail["To"], mail["From"]) == (EMAIL, "Shop <shop@shop.example>")
        assert mail["Subject"] == "Set a new password"
        text, html = mail.iter_parts()
        assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
        assert "Hello Ann & Bo," in text.get_content()
        assert "Ann &amp; Bo" in html.get_content()
        (link,) = re.findall(r"http\S+\?token=\S+", text.get_content())
        assert link in [unescape(url) for url in re.findall(r'href="([^"]+)"', html.get_content())]
        passwords.confirm_reset(token=link.partition("=")[2], password="a new password 1")
        user.refresh_from_db()
        assert user.check_password("a new password 1")

    @pytest.mark.parametrize(
        ("user_part", "error"),
        [("", "SMTPRecipientsRefused"), (f"{QUOTED}@", "SMTPNotSupportedError")],
        ids=["of the address", "of the log-in"],
    )
    def test_refused_is_kept_for_a_retry_and_names_no_address(
        self, work, mail_by, told, user_part, error
    ):
        make_user(email=EMAIL)
        with serving(MailServer(refuses=True)) as refusing:
            mail_by(f"smtp://{user_part}{refusing.address}")
            passwords.request_reset(EMAIL)
            work()
        assert refusing.recipients == ([] if user_part else [EMAIL])
        row = InboxEvent.objects.get()
        assert (row.handled_at, row.attempts) == (None, 1)
        assert f"MailFailed: {error}" in row.error
        assert "event_failed" in told()
        assert EMAIL not in told()
        assert not Counter.objects.exists()
        with serving(MailServer()) as taking:
            mail_by(f"smtp://{taking.address}")
            InboxEvent.objects.update(not_before=row.received_at)
            assert inbox.retry_due() == 1
        assert taking.recipients == [EMAIL]

    def test_with_a_wrong_password_for_the_server_names_no_password(self, work, mail_by, told):
        make_user(email=EMAIL)
        with serving(MailServer(log_in=(LOG_IN[0], "another"))) as server:
            mail_by(f"smtp://{QUOTED}@{server.address}")
            passwords.request_reset(EMAIL)
            work()
        assert server.mails == []
        assert "MailFailed: SMTPAuthenticationError" in told()
        for hidden in (EMAIL, *LOG_IN):
            assert hidden not in told()

    def test_is_kept_for_a_retry_where_nothing_listens(self, work, mail_by, told):
        make_user(email=EMAIL)
        mail_by("smtp://127.0.0.1:1")
        passwords.request_reset(EMAIL)
        work()
        assert InboxEvent.objects.get().handled_at is None
        assert "MailFailed: ConnectionRefusedError" in told()
        assert EMAIL not in told()
