"""Change the key that signs tokens."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.auth_service import conf
from apps.auth_service.errors import LeadOutOfRange, RotationUnderWay
from apps.auth_service.models import SigningKey
from apps.auth_service.services import keys
from chassis.commands import CommandWithExamples


class Command(CommandWithExamples):
    """Safe to run while the platform serves; of two at once one is refused."""

    help = (
        "Publish a new signing key that signs once every service has it, and retire the old one "
        "after its last token has ended: no request is refused on the way. With --emergency, for a "
        "stolen key, a new key signs now and no other is good: within KEY_REFRESH_SECONDS every "
        "service that reaches auth refuses what the old key signed. Until it has the new key, it "
        "refuses new tokens too; users stay logged in, for their clients refresh, and services ask "
        "for a new token. Audited."
    )
    examples = (
        ("", "Rotate, as once in a while."),
        (
            "--lead 86400",
            "The new key signs in a day: time for verifiers of yours that fetch the keys seldom.",
        ),
        ("--emergency", "Shut out whoever stole the private key."),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--lead",
            type=int,
            metavar="SECONDS",
            help="until the new key signs; at least twice auth's KEY_REFRESH_SECONDS, and twice the "
            "largest of any service",
        )
        how.add_argument(
            "--emergency",
            action="store_true",
            help="sign with a new key now and retire all others now",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: the last rotation is under way, or the lead will not do.
        """
        if options["emergency"]:
            self.stdout.write(f"{keys.replace(by=None).kid} signs now; no other key is good.")
            self.stdout.write(
                f"Every service that reaches auth knows within {conf.key_refresh_seconds()} seconds, "
                "or within its own KEY_REFRESH_SECONDS where that is longer."
            )
            return
        try:
            key = keys.rotate(by=None, lead_seconds=options["lead"])
        except (LeadOutOfRange, RotationUnderWay) as error:
            raise CommandError(error.detail) from error
        self._tell(key)

    def _tell(self, key: SigningKey) -> None:
        ends = key.activates_at + keys.VERIFIES_AFTER_SIGNING
        self.stdout.write(f"{key.kid} signs from {key.activates_at:%Y-%m-%d %H:%M:%S} UTC on.")
        self.stdout.write(f"What signed before verifies until {ends:%Y-%m-%d %H:%M:%S} UTC.")
