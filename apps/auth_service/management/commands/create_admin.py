"""Make an admin."""

import getpass
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.core.validators import validate_email

from apps.auth_service import conf, selectors
from apps.auth_service.models import Role, User
from apps.auth_service.services import accounts
from chassis.commands import CommandWithExamples


class Command(CommandWithExamples):
    """Idempotent. A present account becomes an active admin and keeps name and password."""

    help = (
        "Make sure that an active admin has this e-mail address. A new account takes its password "
        "from SOUK_ADMIN_PASSWORD, or asks for it; a present one keeps its own. Audited."
    )
    examples = (
        ("--email ada@shop.example", "Make an admin, or make a present account one."),
        ('--email ada@shop.example --name "Ada Lovelace"', "The same, with a name for a new one."),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; the password is none of them, since a process list shows them."""
        parser.add_argument("--email", required=True, help="the admin's address, in any case")
        parser.add_argument("--name", default="Admin", help="of a new account (default: Admin)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: the address or the password will not do.
        """
        email, name = options["email"], options["name"]
        password = None
        try:
            validate_email(email)
            if selectors.find_user_by_email(email) is None:
                password = conf.admin_password() or _ask()
                validate_password(password, user=User(email=email, name=name))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user, made = accounts.ensure_user(
            email=email, name=name, role=Role.ADMIN, password=password
        )
        self.stdout.write(f"{user.email}: {'made' if made else 'present'}, {user.role}")


def _ask() -> str:
    if not sys.stdin.isatty():
        raise CommandError("Set SOUK_ADMIN_PASSWORD, or run this in a terminal to be asked for it.")
    password = getpass.getpass("Password of the admin: ")
    if getpass.getpass("Once more: ") != password:
        raise CommandError("The passwords differ.")
    return password
