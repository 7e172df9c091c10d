"""Mail to users. It is sent by the worker, so that no answer's time tells who has an account.

Each is sent in the transaction of its event: at least once, again if the process dies in between.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.auth_service import selectors
from apps.auth_service.models import User
from apps.auth_service.services import counters, links
from chassis import mail

MAILS_PER_HOUR: Final = 5
"""Most mails to one account in an hour that strangers can ask for; their links live as long.

The last of them begins an hour without; one hour in which nobody asks begins the count anew.
"""

_HOUR: Final = timedelta(hours=1)

TOO_MANY: Final = "too many mails"

_SUBJECTS: Final = {
    "reset": "Set a new password",
    "confirm": "Confirm your e-mail address",
    "known": "You have an account already",
}


def subject_of(email: str) -> str:
    """Return the subject that an event about a typed address is numbered under.

    It is one of 256, so that the numbers kept per subject neither hold nor pile up what was typed.
    """
    return f"mailbox-{salted_hmac('souk.auth.mailbox', email.lower()).hexdigest()[:2]}"


def send_password_reset(
    email: str, *, message_id: str, by_staff: bool = False, now: datetime | None = None
) -> str:
    """Send the account of an address a link to set a new password; return what was done.

    What staff asks for is neither held up nor counted. Needs a transaction.

    Raises:
        MailFailed: the mail was not taken; try again later.
    """
    now = now or timezone.now()
    user = selectors.find_user_by_email(email)
    if user is None or not user.is_active:
        return "no active account"
    if not by_staff and not _count("reset", user, now):
        return TOO_MANY
    return _send("reset", user, message_id, url=_link(user, "reset", now=now))


def send_registration(email: str, *, message_id: str, now: datetime | None = None) -> str:
    """Send whoever registered a link that confirms the address, or a note that it is confirmed.

    Needs a transaction. Returns what was done.

    Raises:
        MailFailed: the mail was not taken; try again later.
    """
    now = now or timezone.now()
    user = selectors.find_user_by_email(email)
    if user is None or not user.is_active:
        return "no active account"
    if not _count("registration", user, now):
        return TOO_MANY
    if user.awaits_confirmation:
        return _send("confirm", user, message_id, url=_link(user, "confirm", now=now))
    return _send("known", user, message_id)


def _link(user: User, purpose: links.Purpose, *, now: datetime) -> str:
    return links.url_of(links.make_token(user, purpose, now=now), purpose)


def _send(template: str, user: User, message_id: str, **context: Any) -> str:
    """Send one mail to the stored address, never to the one that was typed."""
    return mail.send(
        to=user.email,
        subject=_SUBJECTS[template],
        template=f"accounts/mail/{template}",
        context={
            # Whoever registered wrote the name: not our words to a stranger's address.
            "name": "" if user.awaits_confirmation else user.name,
            "minutes": settings.PASSWORD_RESET_TIMEOUT // 60,
            **context,
        },
        message_id=message_id,
    )


def _count(kind: str, user: User, now: datetime) -> bool:
    """Count a mail to a user; return False if there were too many of its kind.

    Each kind by itself: strangers who register an address cannot keep its owner from a reset.
    """
    key = f"mail:{kind}:{user.id}"
    count = counters.add(key, now=now)
    if count == MAILS_PER_HOUR:
        counters.block(key, until=now + _HOUR)
    return count is not None
