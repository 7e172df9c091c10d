"""Read the command line and carry the command out."""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from local import doctor, logs
from local.errors import PlatformError
from local.home import SERVICES, Home, locate
from local.lifecycle import current_plan, running_plan, stop
from local.output import Output, demo_users
from local.status import EVENT_HEADINGS, event_rows, hide_password, read_status
from local.up import run_up

if TYPE_CHECKING:
    from local.audit.restored import Restored

_MOST_REPLICAS = 16
_PENDING_SECONDS = 60


def run(argv: Sequence[str], started: float) -> int:
    """Carry out the command of an argument list, given at `started`; return the exit code."""
    arguments = _parser().parse_args(argv, argparse.Namespace(started=started))
    os.umask(0o077)
    command: Callable[[Home, Output, argparse.Namespace], int] = arguments.command
    return command(locate(), Output(), arguments)


def _up(home: Home, output: Output, arguments: argparse.Namespace) -> int:
    replicas = dict(pair for pairs in arguments.replicas for pair in pairs)
    return run_up(
        home,
        output,
        replicas,
        seed=not arguments.no_seed,
        detach=arguments.detach,
        with_demo=arguments.demo,
        started=arguments.started,
    )


def _down(home: Home, output: Output, _arguments: argparse.Namespace) -> int:
    if not home.path.exists():
        output.say(f"Nothing runs: {home.path} does not exist.")
        return 0
    # A start that is under way is let to its end first.
    with home.lock(wait_seconds=60), output.step("Stopping"):
        count = stop(home)
    output.say(f"{count} processes were stopped." if count else "The platform was not running.")
    return 0


def _status(home: Home, output: Output, arguments: argparse.Namespace) -> int:
    running, status = read_status(home)
    if arguments.json:
        print(json.dumps(status))
        return 0 if running else 1
    if not running:
        output.say(f"The platform in {home.path} is not running; `manage.py up` starts it.")
        return 1
    rows = [
        [
            row["service"],
            row["role"],
            str(row["pid"] or "-"),
            row["state"],
            str(row["restarts"]),
            hide_password(row["url"]),
        ]
        for row in status["processes"]
    ]
    output.table(["service", "role", "pid", "state", "restarts", "url"], rows)
    output.say()
    output.table(EVENT_HEADINGS, event_rows(status["events"]))
    plan = current_plan(home)
    if plan is not None and (users := demo_users(plan)):
        output.say()
        output.pairs(users)
    return 0


def _logs(home: Home, output: Output, arguments: argparse.Namespace) -> int:
    plan = current_plan(home)
    if plan is None:
        raise PlatformError(f"There are no logs: no platform was ever started in {home.path}.")
    files = logs.files_of(home, plan, arguments.service)
    logs.show(files, arguments.lines, output.say)
    if arguments.follow:
        try:
            logs.follow(files, output.say)
        except KeyboardInterrupt:
            return 0
    return 0


def _doctor(home: Home, output: Output, _arguments: argparse.Namespace) -> int:
    findings = doctor.examine(home)
    rows = [[one.subject, "ok" if one.is_well else "problem", one.sentence] for one in findings]
    output.table(["subject", "", "finding"], rows)
    return 0 if all(one.is_well for one in findings) else 1


def _demo(home: Home, output: Output, _arguments: argparse.Namespace) -> int:
    plan = running_plan(home)
    if plan is None:
        raise PlatformError(
            f"The platform in {home.path} is not running; `manage.py up` starts it."
        )
    from local import demo

    demo.play(plan, output)
    return 0


def _audit(home: Home, output: Output, arguments: argparse.Namespace) -> int:
    from local.audit import command

    return command.run(
        home,
        output,
        files=arguments.files,
        began=dict(arguments.began),
        restored=arguments.restored,
        pending_seconds=arguments.pending,
        as_json=arguments.json,
    )


class _Parser(argparse.ArgumentParser):
    """Says in one sentence what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        Raises: PlatformError of one sentence.
        """
        raise PlatformError(f"{message[:1].upper()}{message[1:].rstrip('.')}.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="manage.py",
        description="The whole platform on this machine. SOUK_HOME names the folder of its data "
        "(.souk), SOUK_PORT the gateway's port (8000); with both, several run side by side.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_up(commands)
    commands.add_parser("down", help="stop everything").set_defaults(command=_down)
    status = commands.add_parser(
        "status",
        help="show every process, and how events are doing",
        description="Show every process, and how each service's events are doing. Exits 1 when the platform is not running; --json then "
        "prints the same object with every pid null.",
    )
    status.add_argument(
        "--json", action="store_true", help="print one JSON object, passwords in it"
    )
    status.set_defaults(command=_status)
    _add_logs(commands)
    doctor_command = commands.add_parser(
        "doctor", help="look for what is in the way; exit 1 if something is"
    )
    doctor_command.set_defaults(command=_doctor)
    commands.add_parser("demo", help="play a first order through the gateway").set_defaults(
        command=_demo
    )
    _add_audit(commands)
    return parser


def _add_up(commands: "argparse._SubParsersAction[_Parser]") -> None:
    up = commands.add_parser(
        "up",
        help="start everything and stay; Ctrl-C stops it",
        description="Start everything, wait until all is ready, and stay until Ctrl-C, which stops it.",
    )
    up.add_argument("--detach", action="store_true", help="return when everything is ready")
    up.add_argument(
        "--demo", action="store_true", help="play the first order when everything is ready"
    )
    up.add_argument("--no-seed", action="store_true", help="leave a new platform without demo data")
    up.add_argument(
        "--replicas",
        action="append",
        default=[],
        type=_replicas,
        metavar="SERVICE=N",
        help="web processes of a service (1); repeat it, or give a comma list",
    )
    up.set_defaults(command=_up)


def _add_logs(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = commands.add_parser("logs", help="show what the processes wrote")
    parser.add_argument(
        "service", nargs="?", choices=[*SERVICES, "platform"], help="of this one only"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is added")
    parser.add_argument(
        "-n", "--lines", type=int, default=40, help="last lines of each process (40)"
    )
    parser.set_defaults(command=_logs)


def _add_audit(commands: "argparse._SubParsersAction[_Parser]") -> None:
    audit = commands.add_parser(
        "audit",
        help="prove that nothing was lost or applied twice; exit 1 if something was",
        description="Compare what the services hold: outboxes with inboxes, reservations, payments and events with orders, stock with its "
        "ledger. Print each mismatch and exit 1 if there is one. Nothing is changed; the shop may stay open. docs/operations.md "
        "tells what each kind means.",
    )
    audit.add_argument("--json", action="store_true", help="print one JSON object")
    audit.add_argument(
        "--from",
        dest="files",
        nargs=3,
        type=Path,
        default=[],
        metavar="FILE",
        help="compare what `manage.py SERVICE audit_export` printed for each service, wherever that ran",
    )
    audit.add_argument(
        "--began",
        action="append",
        default=[],
        type=_began,
        metavar="CONSUMER=TIME",
        help="a consumer was added then, and is owed no older event; may be repeated",
    )
    audit.add_argument(
        "--restored",
        action="append",
        default=[],
        type=_restored,
        metavar="SERVICE=FROM/TO",
        help="its database was restored to a time, at another: what it forgot was decided; may be repeated",
    )
    audit.add_argument(
        "--pending",
        type=_seconds,
        default=_PENDING_SECONDS,
        metavar="SECONDS",
        help="what is younger may be under way and is not judged (60); less where nothing goes on",
    )
    audit.set_defaults(command=_audit)


def _began(text: str) -> tuple[str, datetime]:
    consumer, _, time = text.partition("=")
    try:
        return consumer, _time(time)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not CONSUMER=TIME with a time such as 2026-11-29T08:00:00Z"
        ) from error


def _restored(text: str) -> "Restored":
    from local.audit.restored import Restored

    service, _, times = text.partition("=")
    since, _, until = times.partition("/")
    try:
        restored = Restored(service, _time(since), _time(until))
    except ValueError:
        restored = None
    if restored is None or service not in SERVICES or restored.since >= restored.until:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not SERVICE=FROM/TO with times such as 2026-11-29T08:00:00Z, FROM before TO"
        )
    return restored


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:  # noqa: PLR2004 -- a day
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 86400")
    return seconds


def _replicas(text: str) -> list[tuple[str, int]]:
    pairs = []
    for part in text.split(","):
        service, _, number = part.strip().partition("=")
        is_number = number.isascii() and number.isdigit() and 1 <= int(number) <= _MOST_REPLICAS
        if service not in SERVICES or not is_number:
            raise argparse.ArgumentTypeError(
                f"{part!r} is not SERVICE=N with one of {', '.join(SERVICES)} and N from 1 to {_MOST_REPLICAS}"
            )
        pairs.append((service, int(number)))
    return pairs
