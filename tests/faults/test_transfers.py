"""A worker is killed, or told to end, in the middle of an import."""

import signal
from collections.abc import Iterator

import httpx
import psutil
import pytest

from local.processes import is_alive
from tests.system import admin
from tests.system.conftest import hold_ports, kept
from tests.system.platform import PRODUCTS, Client, Platform, wait_until

ROWS = 30_000
TAKEN_OVER_SECONDS = 120
"""A worker counts as dead after 60 s without a heartbeat; the import itself takes some more."""


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """Return a platform of these tests' own: what they import are events for minutes."""
    with kept("transfers") as platform:
        hold_ports(platform)
        platform.first_output = platform.up()
        yield platform


def begin(platform: Platform, client: httpx.Client, staff: Client, prefix: str) -> httpx.URL:
    """Begin an import, and wait until its rows are being applied."""
    platform.wait_until_well()
    page = admin.begin_import(client, admin.many_products(prefix, ROWS))
    first = f"{PRODUCTS}/draft-{prefix.lower()}-0"
    wait_until(lambda: staff.get(first).status_code == 200, seconds=60, what="some products")
    assert client.get(page).headers["Refresh"] == "2"
    return page


class TestWorker:
    def test_killed_in_an_import_leaves_it_to_the_next(
        self, platform: Platform, staff: Client
    ) -> None:
        with admin.logged_in(platform) as client:
            page = begin(platform, client, staff, "K")
            platform.kill("catalog", "worker")
            text = admin.wait_for_end(client, page, seconds=TAKEN_OVER_SECONDS)
        assert "Attempts" in text
        assert staff.get(f"{PRODUCTS}/draft-k-{ROWS - 1}").status_code == 200
        platform.wait_until_well()

    def test_told_to_end_gives_it_back_at_once(self, platform: Platform, staff: Client) -> None:
        with admin.logged_in(platform) as client:
            page = begin(platform, client, staff, "T")
            process = psutil.Process(platform.row("catalog", "worker")["pid"])
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: not is_alive(process), seconds=60, what="the worker's end")
            text = admin.wait_for_end(client, page, seconds=60)
        assert "Attempts" not in text
        assert staff.get(f"{PRODUCTS}/draft-t-{ROWS - 1}").status_code == 200
        platform.wait_until_well()
