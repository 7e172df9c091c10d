"""Events of our own that end in a mail."""

from apps.auth_service.events import PasswordResetRequested, RegistrationRequested
from apps.auth_service.services import mail
from chassis.events import handles


@handles(PasswordResetRequested, consumer="auth.mail_password_reset")
def mail_password_reset(event: PasswordResetRequested) -> str:
    return mail.send_password_reset(event.email, by_staff=event.by_staff)


@handles(RegistrationRequested, consumer="auth.mail_registration")
def mail_registration(event: RegistrationRequested) -> str:
    return mail.send_registration(event.email)
