"""A browser on a running platform: Debian's Chromium, or whichever is installed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.system.conftest import hold_ports, kept
from tests.system.platform import Platform

# The first is the same browser without a window: a quarter less processor time for the suite.
_NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
# For a machine that is busy besides: what a test waits for comes within one second.
_MOST_MILLISECONDS = 30_000
expect.set_options(timeout=_MOST_MILLISECONDS)
_FLAGS = ("--no-sandbox", "--disable-quic", "--disable-background-networking")


@pytest.fixture(scope="session")
def browser_path() -> Path:
    """Return the installed browser; skip what needs one where there is none."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no browser is installed: `apt install chromium-headless-shell` brings one")
    return Path(found)


@pytest.fixture(scope="session")
def platform(browser_path: Path) -> Iterator[Platform]:
    """Return the platform that all tests share."""
    with kept() as platform:
        hold_ports(platform)  # other platforms start beside it
        platform.first_output = platform.up()
        yield platform


@pytest.fixture(scope="session")
def browser(browser_path: Path) -> Iterator[Browser]:
    """Return a running browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, platform: Platform) -> Iterator[Page]:
    """Return a page without cookies, whose addresses are the gateway's; errors of scripts fail the test."""
    context = browser.new_context(base_url=platform.url)
    context.set_default_timeout(_MOST_MILLISECONDS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors
