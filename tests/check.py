"""Check each service as it would be deployed: settings, migrations that are missing or unsafe.

`python -m tests.check` starts engines and checks the three services at once.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

import psycopg

from tests import engines
from tests.environment import SERVICES, apply, environment

ROOT: Final = Path(__file__).resolve().parent.parent
# The apps whose migrations are ours.
APPS: Final = {"auth": "accounts", "catalog": "catalog", "order": "orders"}


def main() -> int:
    """Check all services; return 0 when nothing is wrong."""
    with engines.running() as started:
        engines.hand_over(started)
        with psycopg.connect(f"{started.postgres_url}/postgres", autocommit=True) as connection:
            for service in SERVICES:
                connection.execute(f"CREATE DATABASE souk_{service}")
        checks = {
            service: subprocess.Popen(
                [sys.executable, "-m", "tests.check", service],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for service in SERVICES
        }
        outputs = {service: check.communicate()[0] for service, check in checks.items()}
    failed = [service for service in SERVICES if checks[service].returncode != 0]
    for service in failed:
        print(f"--- {service}\n{outputs[service]}", end="")
    return 1 if failed else 0


def check(service: str) -> int:
    """Check one service in this process; print what is wrong."""
    started = engines.handed()
    assert started is not None
    apply(environment(service, postgres_url=started.postgres_url, redis_url=started.redis_url))

    import django
    from django.core.management import CommandError, call_command
    from django_migration_linter import MigrationLinter

    django.setup()
    failed = False
    for command, options in (
        ("check", {"deploy": True, "fail_level": "WARNING"}),
        ("makemigrations", {"check_changes": True, "dry_run": True}),
    ):
        try:
            call_command(command, **options)
        except SystemExit as stop:
            failed |= bool(stop.code)
        except CommandError as error:
            print(error)
            failed = True
    linter = MigrationLinter(
        str(ROOT), include_apps=["chassis", APPS[service]], no_cache=True, quiet=["ok", "ignore"]
    )
    linter.lint_all_migrations()
    return 1 if failed or linter.has_errors else 0


if __name__ == "__main__":
    sys.exit(check(sys.argv[1]) if len(sys.argv) > 1 else main())
