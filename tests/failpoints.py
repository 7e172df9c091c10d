"""Kill a piece of work after each of its steps, and look at what every death leaves behind.

The work runs in a forked child that is killed (chassis.failpoints); recovery and checks run in the
test's own process. The database is the real one, so the test needs `django_db(transaction=True)`.
"""

import contextlib
import email
import gc
import os
import signal
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import msgspec
import pytest
from django.db import connection
from django.test import override_settings

from chassis import circuit, failpoints, rest
from chassis.events import declarations, inbox
from chassis.models import InboxEvent

T = TypeVar("T")

_LONGEST_SECONDS: Final = 20
_MOST_STEPS: Final = 200
_LINE: Final = f"{'-' * 79}\n"
"""What Django's file backend puts behind each mail."""


def kill_after_each_step(
    prepare: Callable[[], T],
    work: Callable[[T], object],
    check: Callable[[T], object],
    *,
    at_least: int,
) -> list[str]:
    """Do the work again and again, killed after one more step each time, until it is not killed.

    Args:
        prepare: makes what one run is about, of its own each time.
        work: what is killed. It runs in a child: what it changes in memory is lost.
        check: recovers from the death and asserts what must hold then, also of the run that ended.
        at_least: how many deaths there must be: fewer, and the test tests too little.

    Returns:
        The names of the steps of the run that ended.
    """
    for after in range(1, _MOST_STEPS):
        case = prepare()
        run = _run_killed(lambda case=case: work(case), after)  # type: ignore[misc]
        with _noted(f"killed after step {after}: {run.steps[-1:] or 'none'}, killed={run.killed}"):
            check(case)
        if not run.killed:
            assert after - 1 >= at_least, f"{after - 1} steps, not {at_least}: {run.steps}"
            return run.steps
    raise AssertionError(f"the work did not end within {_MOST_STEPS} steps")


def kill_handlers(
    prepare: Callable[[], dict[str, Any]],
    check: Callable[[dict[str, Any]], object],
    *,
    at_least: int,
) -> list[str]:
    """Kill the worker after each step of an event, then deliver the event twice more.

    Each of its handlers must have handled it once, with no failure.

    Args:
        prepare: returns the event as it comes off the queue, one of its own each time.
        check: asserts what the event must have led to.
        at_least: how many deaths there must be.
    """

    def deliver_again(message: dict[str, Any]) -> None:
        for _ in range(2):
            inbox.receive(message)
        rows = InboxEvent.objects.filter(event_id=message["id"])
        handled = sorted(row.consumer for row in rows if row.handled_at and not row.attempts)
        subscriptions = declarations.subscriptions_of(message["type"])
        assert handled == sorted(one.consumer for one in subscriptions), [r.error for r in rows]
        check(message)

    return kill_after_each_step(prepare, inbox.receive, deliver_again, at_least=at_least)


def kill_mail_handler(
    prepare: Callable[[], dict[str, Any]], folder: Path, *, subject: str, at_least: int
) -> None:
    """Kill the worker after each step of an event that ends in a mail, as `kill_handlers` does.

    One mail goes out; a second copy only where the death fell between the mail and the commit, and
    it has the Message-ID of the first.

    Args:
        prepare: returns the event as it comes off the queue, one of its own each time; mails of
            its own are none of the event's.
        folder: where mails go (the fixture `mail_folder`).
        subject: what the mail's subject must hold.
        at_least: how many deaths there must be.
    """
    seen: Counter[tuple[str, str]] = Counter()
    copies = []

    def prepare_mail() -> dict[str, Any]:
        message = prepare()
        seen.update(_mails(folder) - seen)
        return message

    def check(message: dict[str, Any]) -> None:
        new = _mails(folder) - seen
        seen.update(new)
        assert len(new) == 1, new
        (((message_id, told), count),) = new.items()
        assert message["id"] in message_id
        assert subject in told
        copies.append(count)

    steps = kill_handlers(prepare_mail, check, at_least=at_least)
    sent, committed = steps.index("mail"), steps.index("COMMIT")
    assert copies == [2 if sent <= step < committed else 1 for step in range(len(copies))]


def _mails(folder: Path) -> Counter[tuple[str, str]]:
    """Count the mails of Django's file backend, by Message-ID and subject."""
    texts = [text for path in folder.iterdir() for text in path.read_text().split(_LINE)]
    mails = [email.message_from_string(text) for text in texts if text.strip()]
    return Counter((str(mail["Message-ID"]), str(mail["Subject"])) for mail in mails)


@dataclass(slots=True)
class _Run:
    steps: list[str] = field(default_factory=list)
    killed: bool = False
    backend: int = 0
    error: str = ""


def _run_killed(work: Callable[[], object], after: int) -> _Run:
    """Run the work in a child that is killed after so many steps, and wait until it has left."""
    assert not connection.in_atomic_block, "ask for django_db(transaction=True)"
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Of other threads the child has none: they wait (a server's for callers, xdist's for tests).
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _be_the_child(work, after, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as report:
        run = _read(report.read())
    ending = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    run.killed = ending == -signal.SIGKILL
    assert not run.error, run.error
    assert run.killed or ending == 0, f"the child ended with {ending} after {run.steps}"
    _wait_for_backend(run.backend)
    return run


def _be_the_child(work: Callable[[], object], after: int, report: int) -> NoReturn:
    """Do the work and end at once: nothing that belongs to the test is closed or flushed here."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(_LONGEST_SECONDS)
    gc.disable()  # it would copy every page of the test's memory

    def tell(**entry: Any) -> None:
        os.write(report, msgspec.json.encode(entry) + b"\n")

    try:
        _leave_the_connections()
        connection.ensure_connection()
        tell(backend=connection.connection.info.backend_pid)
        with override_settings(FAILPOINTS=True):
            failpoints.arm(after=after, tell=lambda name: tell(step=name))
        work()
    except BaseException:  # noqa: BLE001 -- the test raises it again
        tell(error=traceback.format_exc())
    os._exit(0)


_left: Final[list[Any]] = []
"""The test's own connections, as the child has them: kept, since whoever closes them says goodbye."""


def _leave_the_connections() -> None:
    _left.append(connection.connection)
    connection.connection = None
    circuit._circuits.clear()  # their locks may be held by threads that the child has not
    if rest._http.cache_info().currsize:  # else there is none, and making one takes long
        # The sockets' copies are closed; HTTP/1.1 has no goodbye, so the test goes on with its own.
        rest._http()._pool.close()


def _read(report: bytes) -> _Run:
    run = _Run()
    for line in report.splitlines():
        entry = msgspec.json.decode(line)
        run.steps += [entry["step"]] if "step" in entry else []
        run.backend = entry.get("backend", run.backend)
        run.error = entry.get("error", run.error)
    return run


def _wait_for_backend(pid: int) -> None:
    """Wait until the server has found out: until then its locks are held, as those of any death."""
    with connection.cursor() as cursor:
        gone = False
        while not gone:
            cursor.execute("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %s", [pid])
            gone = cursor.fetchone()[0]


@contextlib.contextmanager
def _noted(note: str) -> Iterator[None]:
    try:
        yield
    except (Exception, pytest.fail.Exception) as error:
        error.add_note(note)
        raise
