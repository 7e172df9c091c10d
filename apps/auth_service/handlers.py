"""Events of our own that end in a mail."""

from typing import Final

from apps.auth_service.events import PasswordResetRequested, RegistrationRequested
from apps.auth_service.services import mail
from chassis.events import handles
from chassis.events.envelope import Envelope
from chassis.mail import identify

_RESET: Final = "auth.mail_password_reset"
_REGISTRATION: Final = "auth.mail_registration"


@handles(PasswordResetRequested, consumer=_RESET, takes_envelope=True)
def mail_password_reset(event: PasswordResetRequested, envelope: Envelope) -> str:
    """Send the link to set a new password, if there is such an account."""
    message_id = identify(envelope.id, consumer=_RESET)
    return mail.send_password_reset(event.email, by_staff=event.by_staff, message_id=message_id)


@handles(RegistrationRequested, consumer=_REGISTRATION, takes_envelope=True)
def mail_registration(event: RegistrationRequested, envelope: Envelope) -> str:
    """Send the link that confirms the address, or tell who has an account already."""
    message_id = identify(envelope.id, consumer=_REGISTRATION)
    return mail.send_registration(event.email, message_id=message_id)
