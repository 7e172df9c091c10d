"""The catalogue as staff keep it: a product from its first form to its ledger, in a browser."""

import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.staff import staff_at

PRODUCTS = "/admin/catalog/catalog/product/"
SIZES = ({"width": 1280, "height": 900}, {"width": 390, "height": 844})


@pytest.fixture
def staff(page: Page, platform) -> Iterator[Page]:
    """Return a page of staff."""
    with staff_at("/admin/catalog/", page, platform):
        yield page


def add_product(page: Page, *, price: str = "10.00") -> dict[str, Any]:
    """Add a product by the form; return its sku, name and address."""
    number = secrets.token_hex(4)
    product = {"sku": f"NEW-{number}", "name": f"Brass tray {number}"}
    page.goto(f"{PRODUCTS}add/")
    page.get_by_label("SKU").fill(product["sku"])
    page.get_by_label("Name").fill(product["name"])
    page.get_by_label("Category").select_option(index=1)
    page.get_by_label("Price in EUR").fill(price)
    page.get_by_label("Status").select_option("active")
    page.get_by_label("Attributes").fill('{"material": "brass"}')
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url(re.compile(f"{PRODUCTS}.+/change/"))
    return {**product, "url": page.url}


def adjust(page: Page, quantity: str, reason: str) -> None:
    """Send the form beside a product."""
    form = page.locator("#adjust_form")
    form.get_by_label("Quantity").fill(quantity)
    form.get_by_label("Reason").fill(reason)
    form.get_by_role("button", name="Adjust").click()


class TestProduct:
    def test_is_added_and_gets_stock_that_the_ledger_tells_of(self, staff, platform):
        product = add_product(staff)
        expect(staff.get_by_text("It has no stock yet")).to_be_visible()
        adjust(staff, "7", "delivery 12")
        expect(staff.get_by_text(f"+7 pieces of {product['name']}")).to_be_visible()
        adjust(staff, "-8", "too many")
        expect(staff.get_by_role("alert")).to_contain_text("fewer are unreserved")
        staff.goto(product["url"])
        expect(staff.locator(".souk-figures")).to_contain_text("7")
        staff.get_by_role("link", name="All movements").click()
        row = staff.locator("#result_list tbody tr")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("delivery 12")
        slug = product["name"].lower().replace(" ", "-")
        found = platform.client().get(f"/api/v1/catalog/products/{slug}").json()
        assert found["available"] == 7

    def test_changed_in_two_tabs_keeps_what_was_typed(self, staff):
        url = add_product(staff)["url"]
        other = staff.context.new_page()
        other.goto(url)
        other.get_by_label("Price in EUR").fill("12.00")
        other.get_by_role("button", name="Save").click()
        expect(other.get_by_text("is saved.")).to_be_visible()
        staff.get_by_label("Price in EUR").fill("15.00")
        staff.get_by_role("button", name="Save").click()
        expect(staff.get_by_role("alert")).to_contain_text("Somebody else changed the product")
        expect(staff.get_by_text("Now: 12.00")).to_be_visible()
        expect(staff.get_by_label("Price in EUR")).to_have_value("15.00")
        staff.get_by_role("button", name="Save").click()
        expect(staff.get_by_text("is saved.")).to_be_visible()
        expect(staff.get_by_text("15.00 EUR")).to_be_visible()


class TestPrices:
    def test_of_the_selected_ones_change_after_a_preview(self, staff):
        product = add_product(staff, price="20.00")
        staff.goto(f"{PRODUCTS}?q={product['sku']}")
        staff.locator("#result_list input.action-select").check()
        staff.locator("select[name=action]").select_option("reprice_selected")
        staff.get_by_role("button", name="Run").click()
        staff.get_by_label("Value").fill("-12.5")
        staff.get_by_label("Round").select_option(label="to end in .99")
        staff.get_by_role("button", name="Preview").click()
        expect(staff.get_by_text("17.99")).to_be_visible()
        staff.get_by_role("button", name="Apply to 1").click()
        expect(staff.get_by_text("1 product repriced.")).to_be_visible()
        staff.goto(product["url"])
        expect(staff.get_by_label("Price in EUR")).to_have_value("17.99")
        expect(staff.get_by_text("20.00 EUR")).to_be_visible()


class TestPages:
    def test_fit_on_a_screen_and_on_a_phone(self, staff):
        product = add_product(staff)["url"]
        models = ("category", "pricechange", "stockmovement", "reservation", "alert", "transfer")
        lists = [f"/admin/catalog/catalog/{model}/" for model in models]
        forms = [product, f"{PRODUCTS}add/", f"{PRODUCTS}reprice/"]
        paths = ["/admin/catalog/", PRODUCTS, *forms, *lists]
        for size in SIZES:
            staff.set_viewport_size(size)
            for path in paths:
                staff.goto(path)
                wide = staff.evaluate("document.documentElement.scrollWidth")
                assert wide <= size["width"], (path, size)
                if path == "/admin/catalog/catalog/category/":
                    ways = staff.locator(".souk-ways a").last.bounding_box()
                    assert ways is not None
                    assert ways["x"] + ways["width"] <= size["width"]
