"""Make the first signing key."""

from typing import Any

from apps.auth_service import keys
from chassis.commands import ServiceCommand


class Command(ServiceCommand):
    """Idempotent; the web process does the same on first need."""

    help = "Make a signing key if there is none, and print the id of the one that signs."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        self.stdout.write(keys.ensure_signing_key().kid)
