"""One real platform for the whole run, and who acts on it."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.home import SERVICES, write_private
from local.plan import port_names
from tests.engines import free_port
from tests.otlp import Collector
from tests.system.platform import ROOT, Client, Platform


@contextlib.contextmanager
def kept(name: str = "home", **variables: str) -> Iterator[Platform]:
    """Give a platform that is not started yet, and whose keeper ends it whatever happens.

    Its operator has these variables set; one address asks as much as it likes, unless they say otherwise.
    """
    variables = {"RATE_LIMIT": "0", "LOGIN_RATE_LIMIT": "0", **variables}
    folder = Path(tempfile.mkdtemp(prefix="souk-system-")).resolve()
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.system.keeper", str(folder), name],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    assert keeper.stdin is not None
    platform = Platform(folder / name, free_port(), **variables)
    try:
        yield platform
    finally:
        platform.close_clients()
        keeper.stdin.close()
        keeper.wait()
    assert not folder.exists()


def hold_ports(platform: Platform) -> None:
    """Choose its ports before it does: two that start at once may choose the same ones."""
    platform.home.mkdir(mode=0o700)
    ports = {name: free_port() for name in port_names(dict.fromkeys(SERVICES, 1))}
    write_private(platform.home / "ports.json", json.dumps(ports))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the platform's logs beside a failure: the home is gone afterwards."""
    report = yield
    platform = getattr(item, "funcargs", {}).get("platform")
    if report.failed and isinstance(platform, Platform):
        finished = platform.run("logs", "-n", "8")
        report.sections.append(("The platform's logs", finished.stdout))
    return report


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Return who takes the shared platform's spans."""
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="session")
def platform(collector: Collector) -> Iterator[Platform]:
    """Return the platform that all tests share; every test leaves it well."""
    with kept(
        KEY_REFRESH_SECONDS="1",  # a rotation takes seconds, not minutes
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_TRACES_SAMPLER="parentbased_always_off",  # what a test wants told it says
    ) as platform:
        hold_ports(platform)  # other platforms start beside it
        platform.first_output = platform.up()
        yield platform


@pytest.fixture
def new_platform() -> Iterator[Callable[[str], Platform]]:
    """Return a function that gives another platform, not started yet."""
    with contextlib.ExitStack() as stack:
        yield lambda name: stack.enter_context(kept(name))


@pytest.fixture(scope="module")
def anyone(platform: Platform) -> Client:
    """Return a client without a token."""
    return platform.client()


@pytest.fixture(scope="module")
def customer(platform: Platform) -> Client:
    """Return a customer's client."""
    return platform.register()


@pytest.fixture(scope="module")
def staff(platform: Platform) -> Client:
    """Return a client of staff."""
    return platform.demo_user("staff")


@pytest.fixture
def product(staff: Client) -> Mapping[str, Any]:
    """Return a product of which 1000 are in stock."""
    return staff.add_product(on_hand=1000)
