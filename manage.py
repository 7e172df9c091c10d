#!/usr/bin/env python3
"""Run a command of one service (`manage.py catalog migrate`) or of the whole platform (`manage.py up`)."""

import gc
import os
import signal
import sys

SERVICES = ("auth", "catalog", "order")
PLATFORM = ("up", "down", "status", "logs", "doctor", "demo", "audit")
USAGE = f"""usage: manage.py {"|".join(SERVICES)} COMMAND ...   a command of one service; COMMAND help lists them
       manage.py {"|".join(PLATFORM)} ...   the whole platform on this machine; -h explains each"""


def main(argv: list[str]) -> int:
    """Run the command; return the exit code."""
    if argv and argv[0] in PLATFORM:
        from local import cli

        return cli.main(argv)
    service = argv.pop(0) if argv and argv[0] in SERVICES else os.environ.get("SERVICE")
    if service not in SERVICES or not argv:
        print(USAGE, file=sys.stderr)
        return 0 if argv[:1] in (["-h"], ["--help"], ["help"]) else 1
    return run_service(service, argv)


def run_service(service: str, argv: list[str]) -> int:
    """Run a Django command under the settings of one service."""
    os.environ["SERVICE"] = service
    os.environ["DJANGO_SETTINGS_MODULE"] = f"settings.{service}"
    if os.getpid() == 1:
        # In a container the kernel has no default for SIGTERM: without this nothing would end a
        # command, or a process that has not come to its own handler.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    _take_local_variables(service)
    # What imports make stays. Looking through it for garbage, again and again, is a sixth of the
    # processor time of a start; chassis/apps.py ends this, once all apps are loaded.
    gc.disable()

    from django.core.management import execute_from_command_line

    execute_from_command_line([f"manage.py {service}", *argv])
    return 0


def _take_local_variables(service: str) -> None:
    """Fill in what the environment lacks from the local platform's files, where there is one.

    Only a checkout holds `local`; a service's image does not, so an image never reads them.
    """
    try:
        from local import home
    except ModuleNotFoundError:
        return
    variables = home.service_environment(service)
    if not variables and "DATABASE_URL" not in os.environ:
        print("There is no local platform yet: `manage.py up` makes one.", file=sys.stderr)
    for name, value in variables.items():
        if f"{name}_FILE" not in os.environ:
            os.environ.setdefault(name, value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
