"""Look for what is wrong with the accounts and the keys that sign their tokens."""

import sys
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from apps.auth_service.services import checking
from apps.auth_service.services.checking import Finding
from chassis import json
from chassis.commands import CommandWithExamples

_LONGEST_DAYS: Final = 36_500


class Command(CommandWithExamples):
    """Reads only. The exit code is 1 where there is a problem; notes alone leave it 0."""

    help = (
        "Look for what is wrong with the accounts, and change nothing: no active admin, log-ins of "
        "inactive accounts, deactivations of which the other services were not told, no signing key "
        "or one that ENCRYPTION_KEYS do not decrypt. Notes unusable "
        "and outdated password hashes, and accounts that wait for their confirmation. "
        "Exits with 1 if there is a problem."
    )
    examples = (
        ("", "Print each finding, or one line if there is none."),
        (
            "--unconfirmed-days 30",
            "Note accounts that wait for their confirmation for over a month.",
        ),
        ("--json", "Print one JSON object, for a monitor."),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
        parser.add_argument(
            "--unconfirmed-days",
            type=int,
            default=7,
            metavar="DAYS",
            help="how long an account may wait for its confirmation (default: 7)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: the days will not do.
        """
        days = options["unconfirmed_days"]
        if not 0 <= days <= _LONGEST_DAYS:
            raise CommandError(f"--unconfirmed-days must be between 0 and {_LONGEST_DAYS}.")
        findings = checking.check_users(now=timezone.now(), unconfirmed_days=days)
        problems = sum(finding.is_problem for finding in findings)
        if options["json"]:
            found = {"problems": problems, "findings": [asdict(finding) for finding in findings]}
            self.stdout.write(json.encode(found).decode())
        else:
            self._print(findings)
        if problems:
            sys.exit(1)

    def _print(self, findings: list[Finding]) -> None:
        for finding in findings:
            kind = "problem" if finding.is_problem else "note"
            self.stdout.write(f"{kind} {finding.code}: {finding.detail}")
            for user_id in finding.user_ids:
                self.stdout.write(f"  {user_id}")
            left = finding.count - len(finding.user_ids)
            if finding.user_ids and left > 0:
                self.stdout.write(f"  and {left} more")
        if not findings:
            self.stdout.write("The accounts and keys are as they should be.")
