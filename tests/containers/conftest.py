"""One project of compose.yaml for the whole run; every test leaves it well."""

import contextlib
import signal
from collections.abc import Generator, Iterator
from types import FrameType

import pytest

from tests.containers import stack as stacks
from tests.containers.stack import Stack
from tests.system.platform import Client

_FIGURES: dict[str, str] = {}


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="session")
def images() -> Iterator[Stack]:
    """Return a project whose images are built."""
    before = signal.signal(signal.SIGTERM, _end)  # the containers go, however the run ends
    try:
        with stacks.built() as stack:
            yield stack
            _FIGURES.update(stack.figures)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def stack(images: Stack) -> Iterator[Stack]:
    """Return the project that all tests share, running."""
    with contextlib.ExitStack() as started:
        try:
            started.enter_context(stacks.running(images))
        except stacks.NotStartedError as error:
            pytest.exit(f"The containers did not start: {error}", returncode=1)
        yield images


@pytest.fixture
def staff(stack: Stack) -> Iterator[Client]:
    """Return a client of staff."""
    with stack.demo_user("staff") as client:
        yield client


@pytest.fixture
def customer(stack: Stack) -> Iterator[Client]:
    """Return a client of the demo customer."""
    with stack.demo_user("customer") as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the logs beside a failure: the containers are gone afterwards."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(stack, Stack):
        report.sections.append(("The containers", stack.told()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    if _FIGURES:
        terminalreporter.section("measured")
    for name, value in _FIGURES.items():
        terminalreporter.line(f"{name:<40}{value:>10}")
