"""The page at /docs as a browser shows it."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.system.platform import Platform

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts" / "openapi"
SERVICES = ("auth", "catalog", "order")
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def page(page, platform):
    """Return the page; what it asks elsewhere than at the gateway fails the test, and so does what its policy forbids."""
    wrong: list[str] = []
    page.on(
        "request",
        lambda r: None if r.url.startswith((platform.url, "data:")) else wrong.append(r.url),
    )
    page.on(
        "console", lambda m: wrong.append(m.text) if "Content Security Policy" in m.text else None
    )
    yield page
    assert not wrong


def open_docs(page: Page, query: str = "") -> None:
    page.goto(f"/docs{query}")
    expect(page.locator(".opblock").first).to_be_visible()


def log_in(page: Page, platform: Platform, role: str = "customer") -> None:
    page.get_by_role("button", name="Log in to try it out").click()
    page.locator("#log-in").get_by_label("E-mail").fill(f"{role}@souk.example")
    page.locator("#log-in").get_by_label("Password").fill(platform.plan.secrets["demo_password"])
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.locator("#who")).to_have_text(f"{role}@souk.example")


class TestDocuments:
    @pytest.mark.parametrize("service", SERVICES)
    def test_are_the_contracts(self, platform, service):
        answer = httpx.get(f"{platform.url}/docs/openapi/{service}.yaml", trust_env=False)
        assert answer.status_code == 200
        contract = (CONTRACTS / f"{service}.yaml").read_text()
        assert answer.text.rstrip() == contract.rstrip()

    def test_are_shown_one_at_a_time(self, page):
        open_docs(page)
        expect(page.locator(".info .title")).to_contain_text("accounts and tokens")
        page.get_by_role("link", name="Carts, orders and payments").click()
        expect(page.locator(".info .title")).to_contain_text("carts, orders and payments")
        expect(page.locator("#operations-Orders-orders_place")).to_be_visible()
        page.go_back()
        expect(page.locator(".info .title")).to_contain_text("accounts and tokens")

    def test_are_listed_while_one_service_is_down(self, page, platform):
        with platform.without("catalog", "web"):
            open_docs(page, "?service=order")
            catalog = page.locator("[data-service=catalog]")
            expect(catalog).to_have_class("down")
            catalog.click()
            expect(page.get_by_role("status")).to_contain_text(
                "The catalog service does not answer"
            )
            page.locator("[data-service=order]").click()
            expect(page.locator("#operations-Orders-orders_place")).to_be_visible()
            catalog.click()
            expect(page.get_by_role("button", name="Try again")).to_be_visible()
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#operations-Products-products_list")).to_be_visible()

    @pytest.mark.parametrize(
        "query",
        [
            "?url=https://evil.example/openapi.yaml",
            "?configUrl=https://evil.example/config.json",
            "?urls.primaryName=evil&config=https://evil.example/config.json",
            "?service=https://evil.example/openapi.yaml",
            "?service=%3Cimg%20src=x%20onerror=alert(1)%3E",
            "#/%3Cimg%20src=x%20onerror=alert(1)%3E",
        ],
    )
    def test_are_ours_whatever_the_address_says(self, page, query):
        open_docs(page, query)
        expect(page.locator(".info .title")).to_contain_text("Souk: accounts and tokens")
        assert page.locator("img[src=x]").count() == 0


class TestTryingOut:
    def test_sends_the_token_of_the_log_in(self, page, platform):
        open_docs(page, "?service=auth")
        log_in(page, platform)
        me = page.locator("#operations-Own_account-profile_read")
        me.locator(".opblock-summary-control").click()
        me.get_by_role("button", name="Try it out").click()
        me.get_by_role("button", name="Execute").click()
        live = me.locator(".live-responses-table")
        expect(live).to_contain_text("customer@souk.example")
        expect(live.locator(".response-col_status").last).to_have_text("200")

    def test_takes_the_token_to_the_other_documents_and_keeps_it_nowhere(self, page, platform):
        open_docs(page, "?service=auth")
        log_in(page, platform)
        page.get_by_role("link", name="Carts, orders and payments").click()
        expect(page.locator(".auth-wrapper .authorize.locked")).to_be_visible()
        kept = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
        assert kept == [0, 0, ""]
        assert page.context.cookies() == []
        page.reload()
        expect(page.get_by_role("button", name="Log in to try it out")).to_be_visible()
        expect(page.locator(".auth-wrapper .authorize.unlocked")).to_be_visible()

    def test_logs_out(self, page, platform):
        open_docs(page, "?service=order")
        log_in(page, platform)
        expect(page.locator(".auth-wrapper .authorize.locked")).to_be_visible()
        with page.expect_response("**/api/v1/auth/token/revoke") as revoked:
            page.get_by_role("button", name="Log out").click()
        assert revoked.value.status == 204
        expect(page.locator(".auth-wrapper .authorize.unlocked")).to_be_visible()

    def test_says_that_a_password_is_wrong(self, page):
        open_docs(page)
        page.get_by_role("button", name="Log in to try it out").click()
        page.locator("#log-in").get_by_label("E-mail").fill("customer@souk.example")
        page.locator("#log-in").get_by_label("Password").fill("not it")
        page.get_by_role("button", name="Log in", exact=True).click()
        expect(page.get_by_role("alert")).to_have_text("E-mail address or password is wrong")


class TestOnAPhone:
    @pytest.mark.parametrize("service", SERVICES)
    def test_does_not_scroll_sideways(self, page, service):
        page.set_viewport_size(PHONE)
        open_docs(page, f"?service={service}")
        page.locator(".opblock-summary-control").first.click()
        expect(page.locator(".opblock-body").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
