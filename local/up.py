"""`up`: start the platform, say where it is, and stay with it until it is told to stop."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from types import FrameType

from local import ports as port_book
from local import processes
from local.errors import PlatformError
from local.home import SERVICES, Home
from local.lifecycle import Running, running_plan, start, stop
from local.output import Output, print_welcome
from local.plan import Plan

_POLL_SECONDS = 0.2
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_up(
    home: Home,
    output: Output,
    replicas: Mapping[str, int],
    *,
    seed: bool,
    detach: bool,
    with_demo: bool,
    started: float,
) -> int:
    """Start the platform unless it runs; return the exit code of the command.

    `started` is the monotonic time at which the command was given.
    """
    home.prepare()
    with _ending_signals_interrupt():
        with home.lock():
            plan = running_plan(home)
            if plan is not None:
                return _meet(plan, output, replicas, with_demo=with_demo)
            every = {service: replicas.get(service, 1) for service in SERVICES}
            running = start(home, output, every, seed=seed)
        try:
            _welcome(running.plan, output, started)
            if with_demo:
                _play_demo(running.plan, output)
            if detach:
                output.say("It runs in the background; `manage.py down` stops it.")
                return 0
            output.say("It stays up; Ctrl-C stops it.")
            return _stay(running, output)
        except KeyboardInterrupt:
            return _end(home, output)


def _meet(plan: Plan, output: Output, replicas: Mapping[str, int], *, with_demo: bool) -> int:
    """Answer for a platform that runs already."""
    if os.environ.get("SOUK_PORT") and port_book.gateway_port() != plan.gateway_port:
        raise PlatformError(
            f"The platform runs already at {plan.public_url}, not at the port that SOUK_PORT names; "
            "run `manage.py down` first."
        )
    differing = {name: number for name, number in replicas.items() if plan.replicas[name] != number}
    if differing:
        wanted = ", ".join(f"{name}={number}" for name, number in differing.items())
        raise PlatformError(
            f"The platform runs already at {plan.public_url} with other replicas than {wanted}; "
            "run `manage.py down` first."
        )
    output.say(f"The platform runs already at {plan.public_url}.")
    print_welcome(output, plan)
    if with_demo:
        _play_demo(plan, output)
    return 0


def _play_demo(plan: Plan, output: Output) -> None:
    from local import demo  # its HTTP client takes a fifth of a second to load

    output.say()
    demo.play(plan, output)
    output.say()


def _welcome(plan: Plan, output: Output, started: float) -> None:
    seconds = time.monotonic() - started
    found = processes.find(plan.home)
    memory = processes.proportional_mib(found)
    print_welcome(output, plan)
    output.say(
        f"All ready in {seconds:.1f} s; {len(found)} processes hold {memory:.0f} MiB (sum of PSS)."
    )


def _stay(running: Running, output: Output) -> int:
    """Wait until supervisord ends, by `manage.py down` or by accident."""
    while (code := running.supervisord.poll()) is None:
        time.sleep(_POLL_SECONDS)
    if code == 0:
        output.say("The platform was stopped.")
        return 0
    with running.plan.home.lock(wait_seconds=5):
        stop(running.plan.home)
    raise PlatformError(f"supervisord ended unexpectedly ({code}); the platform was stopped.")


def _end(home: Home, output: Output) -> int:
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    output.say()
    with home.lock(wait_seconds=60), output.step("Stopping"):
        stop(home)
    return 0


@contextlib.contextmanager
def _ending_signals_interrupt() -> Iterator[None]:
    """Make every signal that asks for an end look like Ctrl-C."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
