import smtplib
import ssl
from collections.abc import Callable, Iterator
from email import utils
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from chassis import mail
from chassis.ids import uuid7
from tests.smtp import MailServer, serving

ANN = "ann@shop.example"
EVE = "eve@evil.example"


@pytest.fixture
def server(mail_by: Callable[[str], None]) -> Iterator[MailServer]:
    with serving(MailServer()) as server:
        mail_by(f"smtp://{server.address}")
        yield server


def send(to: str = ANN, **context: Any) -> str:
    return mail.send(
        to=to,
        subject="A subject",
        template="souk/mail/base",
        context=context,
        message_id="<1.test@shop.example>",
    )


class TestSend:
    def test_says_when_by_whom_and_that_no_machine_need_answer(self, server):
        assert send() == mail.SENT
        (taken,) = server.mails
        assert server.recipients == [ANN]
        assert (taken["To"], taken["From"]) == (ANN, "Shop <shop@shop.example>")
        assert taken["Subject"] == "A subject"
        assert taken["Message-ID"] == "<1.test@shop.example>"
        assert taken["Auto-Submitted"] == "auto-generated"
        assert utils.parsedate(taken["Date"]) is not None

    def test_escapes_what_it_is_given_in_html_alone(self, server):
        send(name="Ann & <b>Bo</b>")
        parts = [part.get_content() for part in server.mails[0].iter_parts()]
        text, html = (part.replace("\r", "") for part in parts)
        assert "Hello Ann & <b>Bo</b>,\n\nSent by http" in text
        assert "Hello Ann &amp; &lt;b&gt;Bo&lt;/b&gt;," in html

    def test_takes_no_header_from_what_it_is_given(self, server):
        send(name=f"Ann\r\nBcc: {EVE}\r\n\r\nspam")
        (taken,) = server.mails
        assert "Bcc" not in taken
        assert server.recipients == [ANN]

    @pytest.mark.parametrize(
        "to",
        [
            f"{ANN}\nBcc: {EVE}",
            f"{ANN}\r\n\r\nspam",
            f"{ANN}, {EVE}",
            f"ann@{'üñ' * 30}.io",
            "",
        ],
        ids=["header", "body", "two addresses", "domain too long", "nothing"],
    )
    def test_goes_to_one_address_or_nowhere(self, server, to):
        assert send(to) == mail.UNSENDABLE
        assert (server.recipients, server.mails) == ([], [])

    @pytest.mark.parametrize(
        "failure",
        [
            smtplib.SMTPRecipientsRefused({ANN: (550, b"no ann@shop.example")}),
            ssl.SSLCertVerificationError("of ann@shop.example"),  # an OSError and a ValueError
        ],
        ids=lambda failure: type(failure).__name__,
    )
    def test_tells_the_kind_of_a_failure_alone(self, failure, monkeypatch):
        def refuse(self: EmailMultiAlternatives) -> int:
            raise failure

        monkeypatch.setattr(EmailMultiAlternatives, "send", refuse)
        with pytest.raises(mail.MailFailed) as caught:
            send()
        assert str(caught.value) == type(failure).__name__

    def test_asks_no_silent_server_for_a_while(self, monkeypatch):
        now, calls = [1000.0], []

        def be_silent(*_):
            calls.append(1)
            raise TimeoutError

        monkeypatch.setattr(mail, "time", SimpleNamespace(monotonic=lambda: now[0]))
        monkeypatch.setattr(BaseEmailBackend, "open", be_silent)
        with pytest.raises(mail.MailFailed, match="TimeoutError"):
            send()
        with pytest.raises(mail.MailFailed, match="lately"):
            send()
        assert len(calls) == 1
        now[0] += mail.PAUSE_SECONDS
        with pytest.raises(mail.MailFailed, match="TimeoutError"):
            send()

    def test_asks_a_server_that_refused_at_once_again(self, monkeypatch):
        with monkeypatch.context() as refusing:

            def refuse(*_):
                raise smtplib.SMTPRecipientsRefused({})

            refusing.setattr(EmailMultiAlternatives, "send", refuse)
            with pytest.raises(mail.MailFailed, match="SMTPRecipientsRefused"):
                send()
        assert send() == mail.SENT

    def test_holds_a_mail_that_was_taken_for_sent_whatever_the_server_says_after(
        self, server, monkeypatch
    ):
        def fail(self: Any) -> None:
            self.connection.close()
            raise smtplib.SMTPException("no goodbye")

        monkeypatch.setattr(EmailBackend, "close", fail)
        assert send() == mail.SENT
        assert server.recipients == [ANN]


class TestMessageId:
    def test_is_the_same_for_the_same_event_and_consumer_only(self, settings):
        settings.DEFAULT_FROM_EMAIL = "Söuk <shop@söuk.example>"
        event = uuid7()
        first = mail.identify(event, consumer="a.mail")
        assert first == mail.identify(event, consumer="a.mail")
        assert first == f"<{event}.a.mail@xn--suk-sna.example>"
        assert (
            len(
                {
                    first,
                    mail.identify(event, consumer="b"),
                    mail.identify(uuid7(), consumer="a.mail"),
                }
            )
            == 3
        )
