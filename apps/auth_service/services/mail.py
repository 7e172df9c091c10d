"""Mail to users. It is sent by the worker, so that no answer's time tells who has an account.

Each is sent in the transaction of its event: at least once, again if the process dies in between.
"""

import smtplib
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.auth_service import selectors
from apps.auth_service.models import User
from apps.auth_service.services import links

MAILS_PER_HOUR: Final = 5
"""Most mails to one account in an hour, whoever asks for them; their links live as long."""

_SUBJECTS: Final = {
    "reset": "Set a new password",
    "confirm": "Confirm your e-mail address",
    "known": "You have an account already",
}

# A window of an hour from the first mail on; nobody gets the row back beyond its limit.
_COUNT = """
INSERT INTO login_counter (key, failures, last_at) VALUES (%(key)s, 1, %(now)s)
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN login_counter.last_at <= %(hour_ago)s THEN 1
                    ELSE login_counter.failures + 1 END,
    last_at = CASE WHEN login_counter.last_at <= %(hour_ago)s THEN %(now)s
                   ELSE login_counter.last_at END
WHERE login_counter.last_at <= %(hour_ago)s OR login_counter.failures < %(most)s
RETURNING failures
"""


class MailFailed(Exception):
    """A mail was not taken. Holds the kind of the failure alone: the rest may quote the address."""


def subject_of(email: str) -> str:
    """Return the subject that an event about a typed address is numbered under.

    It is one of 256, so that the numbers kept per subject neither hold nor pile up what was typed.
    """
    return f"mailbox-{salted_hmac('souk.auth.mailbox', email.lower()).hexdigest()[:2]}"


def send_password_reset(email: str, *, now: datetime | None = None) -> str:
    """Send the account of an address a link to set a new password; return what was done.

    Needs a transaction.

    Raises:
        MailFailed: the mail was not taken; try again later.
    """
    now = now or timezone.now()
    user = selectors.find_user_by_email(email)
    if user is None or not user.is_active:
        return "no active account"
    return _send("reset", user, url=_link(user, "reset", now=now), now=now)


def send_registration(email: str, *, now: datetime | None = None) -> str:
    """Send whoever registered a link that confirms the address, or a note that it is confirmed.

    Needs a transaction. Returns what was done.

    Raises:
        MailFailed: the mail was not taken; try again later.
    """
    now = now or timezone.now()
    user = selectors.find_user_by_email(email)
    if user is None or not user.is_active:
        return "no active account"
    if user.awaits_confirmation:
        return _send("confirm", user, url=_link(user, "confirm", now=now), now=now)
    return _send("known", user, now=now)


def _link(user: User, purpose: links.Purpose, *, now: datetime) -> str:
    return links.url_of(links.make_token(user, purpose, now=now), purpose)


def _send(template: str, user: User, *, now: datetime, **context: Any) -> str:
    """Send one mail to the stored address, never to the one that was typed."""
    if not _count(user, now):
        return "too many mails"
    values = {
        # Whoever registered wrote the name: not our words to a stranger's address.
        "name": "" if user.awaits_confirmation else user.name,
        "minutes": settings.PASSWORD_RESET_TIMEOUT // 60,
        "shop_url": settings.PUBLIC_URL,
        **context,
    }
    mail = EmailMultiAlternatives(
        subject=_SUBJECTS[template],
        body=render_to_string(f"accounts/mail/{template}.txt", values),
        to=[user.email],
    )
    mail.attach_alternative(render_to_string(f"accounts/mail/{template}.html", values), "text/html")
    try:
        mail.send()
    except (OSError, smtplib.SMTPException) as error:
        raise MailFailed(type(error).__name__) from None
    return "mail sent"


def _count(user: User, now: datetime) -> bool:
    """Count a mail to a user; return False if there were too many."""
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            {
                "key": f"mail:{user.id}",
                "now": now,
                "hour_ago": now - timedelta(hours=1),
                "most": MAILS_PER_HOUR,
            },
        )
        return cursor.fetchone() is not None
