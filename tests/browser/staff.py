"""Staff at one of the admins."""

import contextlib
from collections.abc import Iterator

from playwright.sync_api import Page

from tests.browser.test_sign_on import log_in
from tests.system.platform import Platform


@contextlib.contextmanager
def staff_at(admin: str, page: Page, platform: Platform) -> Iterator[Page]:
    """Log staff in, and give the page of an admin; whatever a console calls an error fails the test."""
    told: list[str] = []
    page.on(
        "console", lambda message: told.append(message.text) if message.type == "error" else None
    )
    page.goto(admin)
    log_in(page, platform, "staff")
    page.wait_for_url(f"**{admin}")
    yield page
    assert told == [], told
