"""The platform and the users of the system tests, for what takes longer; and what looks at its events."""

from collections.abc import Iterator

import pytest

from tests import smtp
from tests.faults import bus as events
from tests.smtp import MailServer
from tests.system.conftest import customer, kept, product, pytest_runtest_makereport, staff
from tests.system.platform import Platform

__all__ = ["customer", "product", "pytest_runtest_makereport", "staff"]


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    """Return the server that takes the platform's mail."""
    with smtp.serving(MailServer()) as server:
        yield server


@pytest.fixture(scope="session")
def platform(mail_server: MailServer) -> Iterator[Platform]:
    """Return the platform that all tests share; every test leaves it well."""
    variables = {
        "MAIL_URL": f"smtp://{mail_server.address}",
        "LOGINS_PER_MINUTE": "1000",
        "REGISTRATIONS_PER_MINUTE": "1000",
        "KEY_REFRESH_SECONDS": "1",
    }
    with kept(**variables) as platform:
        platform.first_output = platform.up()
        yield platform


@pytest.fixture(scope="session")
def handlers(platform: Platform) -> dict[str, dict[str, list[str]]]:
    """Return the handlers of every event, by service and type."""
    return events.read_handlers(platform)


@pytest.fixture
def bus(
    platform: Platform, mail_server: MailServer, handlers: dict[str, dict[str, list[str]]]
) -> Iterator[events.Bus]:
    """Return what looks at the events; versions fall in no test, none leaves a dead letter, and the audit agrees."""
    platform.wait_until_well()
    bus = events.Bus(platform, handlers, mail_server)
    bus.excuse_mail()
    bus.assert_converged(may_repeat_mail=True)
    bus.excuse_mail()
    with events.Watch(platform) as watch:
        yield bus
    watch.assert_nothing_fell()
    assert bus.dead() == set()
    bus.assert_audited()
