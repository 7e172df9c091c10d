"""The pages of the admin as a browser shows them."""

import re

from playwright.sync_api import expect

from tests.browser.test_sign_on import log_in

USERS = "/admin/auth/accounts/user/"
PHONE = {"width": 400, "height": 800}


class TestOnAPhone:
    def test_no_page_scrolls_sideways(self, page, platform):
        page.set_viewport_size(PHONE)
        page.goto(f"{USERS}?q=customer@")
        log_in(page, platform, "admin")
        page.locator("#result_list a").first.click()
        page.wait_for_url(re.compile(f"{USERS}.+/change/"))
        user = page.url
        page.goto(user.replace("/change/", "/end-sessions/"))
        page.get_by_role("button", name="End all").click()
        expect(page.get_by_text("user.sessions_ended")).to_be_visible()
        for path in (user, "/admin/auth/", USERS, "/admin/auth/chassis/auditentry/"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
