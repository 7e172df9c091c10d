"""One log-in opens every admin, and one log-out closes them."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.system.platform import wait_until

ADMINS = {"auth": "/admin/auth/", "catalog": "/admin/catalog/", "order": "/admin/orders/"}


def log_in(page: Page, platform, role: str) -> None:
    page.get_by_label("E-mail").fill(f"{role}@souk.example")
    page.get_by_label("Password").fill(platform.plan.secrets["demo_password"])
    page.get_by_role("button", name="Log in").click()


def log_out(page: Page) -> None:
    """Open the menu of the user and press its button."""
    page.get_by_text(re.compile("Stefan Staff|Ada Admin")).first.click()
    page.get_by_role("button", name="Log out").click()


def cookies(page: Page) -> dict[str, Any]:
    return {cookie["name"]: cookie for cookie in page.context.cookies()}


class TestSignOn:
    def test_one_log_in_opens_all_three(self, page, platform):
        page.goto(ADMINS["catalog"])
        expect(page).to_have_url(re.compile("/admin/auth/log-in"))
        log_in(page, platform, "staff")
        page.wait_for_url(f"**{ADMINS['catalog']}")
        for path in (ADMINS["order"], ADMINS["auth"]):
            answer = page.goto(path)
            assert answer.status == 200
            expect(page).to_have_url(platform.url + path)
            expect(page.get_by_text("Stefan Staff").first).to_be_attached()

    def test_survives_a_deep_link(self, page, platform):
        wanted = "/admin/catalog/chassis/outboxevent/?q=a&o=-1"
        page.goto(wanted)
        log_in(page, platform, "admin")
        page.wait_for_url(f"**{wanted}")

    def test_says_what_is_wrong(self, page, platform):
        page.goto("/admin/auth/log-in")
        page.get_by_label("E-mail").fill("staff@souk.example")
        page.get_by_label("Password").fill("not the password")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_contain_text("E-mail address or password is wrong")

    def test_does_not_let_customers_in(self, page, platform):
        page.goto(ADMINS["order"])
        log_in(page, platform, "customer")
        expect(page.get_by_role("alert")).to_contain_text("no access")
        assert "souk_order_token" not in cookies(page)

    def test_keeps_each_cookie_to_its_service(self, page, platform):
        page.goto(ADMINS["auth"])
        log_in(page, platform, "staff")
        page.wait_for_url(f"**{ADMINS['auth']}")
        for path in ADMINS.values():
            page.goto(path)
        held = cookies(page)
        for service, path in ADMINS.items():
            cookie = held[f"souk_{service}_token"]
            assert (cookie["path"], cookie["httpOnly"], cookie["sameSite"]) == (path, True, "Lax")
        assert held["souk_auth_login"]["path"] == ADMINS["auth"]
        tokens = {held[f"souk_{service}_token"]["value"] for service in ADMINS}
        assert len(tokens) == 3

    @pytest.mark.parametrize("service", ADMINS)
    def test_one_log_out_closes_all_three(self, page, platform, service):
        page.goto(ADMINS[service])
        log_in(page, platform, "staff")
        page.wait_for_url(f"**{ADMINS[service]}")
        for path in ADMINS.values():
            page.goto(path)
        page.goto(ADMINS[service])
        log_out(page)
        expect(page).to_have_url(f"{platform.url}/admin/auth/log-in")
        assert not [name for name in cookies(page) if name.endswith(("_token", "_login"))]
        for path in ADMINS.values():
            page.goto(path)
            expect(page).to_have_url(re.compile("/admin/auth/log-in"))

    def test_renews_a_token_that_ended_without_a_question(self, page, platform):
        page.goto(ADMINS["catalog"])
        log_in(page, platform, "staff")
        page.wait_for_url(f"**{ADMINS['catalog']}")
        page.context.clear_cookies(name="souk_catalog_token")
        page.goto(ADMINS["catalog"])
        expect(page).to_have_url(platform.url + ADMINS["catalog"])
        assert "souk_catalog_token" in cookies(page)

    def test_does_not_lose_a_form_whose_token_ended(self, page, platform):
        user = platform.register().get("/api/v1/auth/me").json()
        page.goto(f"/admin/auth/accounts/user/{user['id']}/change/")
        log_in(page, platform, "admin")
        page.wait_for_url("**/change/")
        page.get_by_role("link", name="Send reset").click()
        page.context.clear_cookies(name="souk_auth_token")
        methods: list[tuple[str, str]] = []
        page.on("request", lambda sent: methods.append((sent.method, urlsplit(sent.url).path)))
        page.get_by_role("button", name="Send").click()
        page.wait_for_url("**/change/")
        assert ("POST", "/admin/auth/sign-on") in methods  # it went round by there
        expect(page.get_by_text("on its way")).to_be_visible()
        expect(page.get_by_text("user.reset_sent")).to_be_visible()

    def test_ends_within_seconds_for_who_is_deactivated(self, page, platform):
        admin = platform.demo_user("admin")
        client = platform.register()
        user = client.get("/api/v1/auth/me").json()
        role = admin.http.patch(f"/api/v1/auth/users/{user['id']}", json={"role": "staff"})
        assert role.status_code == 200
        email, password = client.credentials
        page.goto(ADMINS["catalog"])
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"**{ADMINS['catalog']}")
        gone = admin.http.patch(f"/api/v1/auth/users/{user['id']}", json={"is_active": False})
        assert gone.status_code == 200
        deadline = 5_000
        for _ in range(deadline // 250):
            page.goto(ADMINS["catalog"])
            if "/admin/auth/log-in" in page.url:
                break
            page.wait_for_timeout(250)
        expect(page).to_have_url(re.compile("/admin/auth/log-in"))


class TestForgottenPassword:
    def test_is_set_anew_by_the_link_of_a_mail(self, page, platform):
        email, _ = platform.register().credentials
        page.goto("/admin/auth/log-in")
        page.get_by_role("link", name="Forgotten your password?").click()
        page.get_by_label("E-mail").fill(email)
        page.get_by_role("button", name="Send the link").click()
        expect(page.get_by_text("a link is on its way")).to_be_visible()
        log = platform.home / "logs" / "auth-worker.log"

        def link() -> str | None:
            mails = log.read_text().split(f"To: {email}")[1:]
            # With what follows it: the last line may not be whole yet.
            found = re.search(r"http://\S+/password/reset\?token=\S+(?=\s)", "".join(mails))
            return found and found[0]

        page.goto(wait_until(link, seconds=40, what="the mail in the worker's log"))
        for label in ("New password", "Once more"):
            page.get_by_label(label).fill("a new horse battery")
        page.get_by_role("button", name="Set the password").click()
        expect(page.get_by_text("You can log in to the shop now.")).to_be_visible()
        platform.client().log_in(email, "a new horse battery")
