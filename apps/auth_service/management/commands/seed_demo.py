"""Make the demo users."""

from typing import Any, Final

from django.core.management.base import CommandError

from apps.auth_service import conf
from apps.auth_service.models import Role
from apps.auth_service.services import accounts
from chassis.commands import ServiceCommand

DEMO_USERS: Final = (
    ("customer@souk.example", "Carla Customer", Role.CUSTOMER),
    ("staff@souk.example", "Stefan Staff", Role.STAFF),
    ("admin@souk.example", "Ada Admin", Role.ADMIN),
)


class Command(ServiceCommand):
    """Idempotent: what the demo users should be, they are afterwards."""

    help = "Make the demo users, one of each role, with the password DEMO_PASSWORD."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: DEMO_PASSWORD is not set.
        """
        password = conf.demo_password()
        if not password:
            raise CommandError("Set DEMO_PASSWORD: the demo users are not made without it.")
        for email, name, role in DEMO_USERS:
            _, made = accounts.ensure_user(
                email=email, name=name, role=role, password=password, reset_password=True
            )
            self.stdout.write(f"{email}: {'made' if made else 'present'}, {role}")
