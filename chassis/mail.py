"""Mail: text and HTML of the same words, sent from event handlers.

A handler sends last, so that a process that dies seldom sends again; a mail that is sent again has
the Message-ID that it had, so that mailboxes may show one.
"""

import math
import re
import secrets
import smtplib
import time
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template import Context
from django.template.loader import get_template
from django.utils.encoding import punycode

from chassis import failpoints

SENT: Final = "mail sent"
UNSENDABLE: Final = "no mail can be sent there"

# RFC 3834, section 5: no answer of a machine comes back, such as that of somebody on holiday.
_AUTO_SUBMITTED: Final = {"Auto-Submitted": "auto-generated"}

_EMPTY_LINES: Final = re.compile(r"\n\s*\n")

log = structlog.get_logger()


class _Mail(EmailMultiAlternatives):
    """Parted by what nobody can foresee: Python's own way searches the parts by a pattern made anew."""

    def message(self, **options: Any) -> Any:
        """Return the mail as it goes over the wire."""
        message = super().message(**options)
        message.set_boundary(secrets.token_hex(16))
        return message


PAUSE_SECONDS: Final = 10
"""After a server that did not answer none is asked for so long: each try holds a worker's thread."""


class _Server:
    """Whether this process has lately waited for the mail server in vain."""

    def __init__(self) -> None:
        self._silent_until = -math.inf

    def require_answering(self) -> None:
        if time.monotonic() < self._silent_until:
            raise MailFailed("the mail server did not answer lately")

    def failed(self, error: OSError) -> None:
        """Note a failure; a refusal is an answer."""
        silent = (smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError)
        if not isinstance(error, smtplib.SMTPException) or isinstance(error, silent):
            self._silent_until = time.monotonic() + PAUSE_SECONDS

    def forget(self) -> None:
        """Ask it again at once."""
        self._silent_until = -math.inf


server: Final = _Server()


class MailFailed(Exception):
    """A mail was not taken. Holds the kind of the failure alone: the rest may quote the address."""


def identify(event_id: UUID, *, consumer: str) -> str:
    """Return the Message-ID (RFC 5322, section 3.6.4) of the mail that a handler sends of an event."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{event_id}.{consumer}@{punycode(domain)}>"


def send(
    *, to: str, subject: str, template: str, context: Mapping[str, Any], message_id: str
) -> str:
    """Send one mail; return what was done: SENT, or UNSENDABLE for an address that cannot get any.

    Args:
        to: one address without a name.
        subject: one line.
        template: the path of a template without `.txt` and `.html`, which both extend souk/mail. In
            text nothing is escaped.
        context: what they are given, besides `shop_url`.
        message_id: see `identify`.

    Raises:
        MailFailed: the mail was not taken, or the server did not answer lately; try again later.
    """
    server.require_answering()
    values = {"shop_url": settings.PUBLIC_URL, **context}
    mail = _Mail(
        subject=subject,
        body=render(f"{template}.txt", values),
        to=[to],
        headers={"Message-ID": message_id, **_AUTO_SUBMITTED},
    )
    mail.attach_alternative(render(f"{template}.html", values), "text/html")
    taken, answers = 0, False
    try:
        with get_connection() as mail.connection:  # closed too where its log-in is refused
            answers = True
            taken = mail.send()
            failpoints.step("mail")
    # Before ValueError: a certificate that is not trusted is both.
    except OSError as error:  # smtplib's own are of this kind, too
        if not taken:  # where it was, only the server's goodbye failed
            if not answers:  # what is silent about one address may answer about others
                server.failed(error)
            raise MailFailed(type(error).__name__) from None
    except ValueError:  # no form for the wire, more than one address or line; it will not get one
        return UNSENDABLE
    if not taken:  # where there is no address
        return UNSENDABLE
    log.info("mail_sent", message_id=message_id)
    return SENT


def render(path: str, values: Mapping[str, Any]) -> str:
    """Return a template's text, without spare empty lines; only in one of HTML values are escaped."""
    loaded: Any = get_template(path)  # Django's own engine, which the type does not say
    text = loaded.template.render(Context(dict(values), autoescape=path.endswith(".html")))
    return _EMPTY_LINES.sub("\n\n", text)
