"""Make an admin."""

import getpass
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.core.validators import validate_email

from apps.auth_service import conf, selectors
from apps.auth_service.models import Role
from apps.auth_service.serializers import RegistrationInput
from apps.auth_service.services import accounts
from chassis.commands import CommandWithExamples


class Command(CommandWithExamples):
    """Idempotent. A present account keeps its name; its password only if it is an active admin."""

    help = (
        "Make sure that an active admin has this e-mail address. The password comes from "
        "SOUK_ADMIN_PASSWORD, or is asked for: also for a present account that is no admin yet, since "
        "a stranger may have opened it. One that is an active admin keeps its own. Audited."
    )
    examples = (
        (
            "--email ada@shop.example",
            "Make an admin, or make a present account one, with a new password.",
        ),
        ('--email ada@shop.example --name "Ada Lovelace"', "The same, with a name for a new one."),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; the password is none of them, since a process list shows them."""
        parser.add_argument("--email", required=True, help="the admin's address, in any case")
        parser.add_argument("--name", default="Admin", help="of a new account (default: Admin)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: the address, or name or password of a new account, will not do.
        """
        email = options["email"]
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        present = selectors.find_user_by_email(email)
        if present is not None and present.role == Role.ADMIN and present.may_log_in:
            self.stdout.write(f"{present.email}: present, {present.role}")
            return
        password = conf.admin_password() or _ask()
        given = _checked({"email": email, "name": options["name"], "password": password})
        user, made = accounts.ensure_user(**given, role=Role.ADMIN, reset_password=True)
        done = "made" if made else "present, with the new password"
        self.stdout.write(f"{user.email}: {done}, {user.role}")


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    """Return what was given if one may register with it.

    Raises:
        CommandError: one may not.
    """
    checked = RegistrationInput(data=given)
    if not checked.is_valid():
        reasons = [f"{name}: {' '.join(errors)}" for name, errors in checked.errors.items()]
        raise CommandError(" ".join(reasons))
    return dict(checked.validated_data)


def _ask() -> str:
    if not sys.stdin.isatty():
        raise CommandError("Set SOUK_ADMIN_PASSWORD, or run this in a terminal to be asked for it.")
    password = getpass.getpass("Password of the admin: ")
    if getpass.getpass("Once more: ") != password:
        raise CommandError("The passwords differ.")
    return password
