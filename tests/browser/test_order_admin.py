"""An order as staff see it through: found, looked at, shipped and delivered, in a browser."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.staff import staff_at

ORDERS = "/admin/orders/orders/order/"
# The name of a link's symbol comes first; that of "Audit entries" is "history".
SHIP = re.compile(r"\bShip$")
HISTORY = re.compile(r"\bHistory$")
SIZES = ({"width": 1280, "height": 900}, {"width": 390, "height": 844})


@pytest.fixture
def staff(page: Page, platform) -> Iterator[Page]:
    """Return a page of staff."""
    with staff_at("/admin/orders/", page, platform):
        yield page


@pytest.fixture
def order(platform) -> dict[str, Any]:
    """Return an order that a customer has paid for."""
    sku = platform.demo_user("admin").add_product(on_hand=5)["sku"]
    order: dict[str, Any] = platform.register().buy(sku, 2)
    return order


class TestOrder:
    def test_is_found_by_its_number_and_shipped(self, staff, order):
        staff.goto(f"{ORDERS}?q={order['number']}")
        row = staff.locator("#result_list tbody tr")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("shipping")
        row.get_by_role("link", name=order["number"]).click()
        expect(staff.get_by_text("waits for shipping")).to_be_visible()
        staff.get_by_role("link", name=SHIP).click()
        staff.get_by_label("Note").fill("parcel 12")
        staff.get_by_role("button", name="Ship", exact=True).click()
        expect(staff.get_by_text(f"{order['number']} is shipped.")).to_be_visible()
        expect(staff.get_by_text("waits for delivery")).to_be_visible()
        expect(staff.get_by_text("parcel 12").first).to_be_visible()
        expect(staff.get_by_role("link", name=SHIP)).to_have_count(0)
        staff.get_by_role("link", name=HISTORY).click()
        expect(staff.get_by_text("order.shipped")).to_be_visible()

    def test_is_among_those_of_the_file(self, staff, order):
        staff.goto(f"{ORDERS}?q={order['number']}")
        with staff.expect_download() as download:
            staff.get_by_role("link", name="Export CSV").click()
        text = download.value.path().read_text(encoding="utf-8")
        assert order["number"] in text
        assert len(text.splitlines()) == 2


class TestPages:
    def test_fit_on_a_screen_and_on_a_phone(self, staff, order):
        page = f"{ORDERS}{order['id']}/"
        forms = [f"{page}{name}/" for name in ("change", "ship", "cancel", "refund", "history")]
        models = ("order", "cartitem", "payment", "webhookmessage")
        lists = [f"/admin/orders/orders/{model}/" for model in models]
        for size in SIZES:
            staff.set_viewport_size(size)
            for path in ("/admin/orders/", *forms, *lists):
                staff.goto(path)
                wide = staff.evaluate("document.documentElement.scrollWidth")
                assert wide <= size["width"], (path, size)
