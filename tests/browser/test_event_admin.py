"""Dead letters as staff see to them: told apart, redriven in vain, and discarded, in a browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.staff import staff_at
from tests.faults import broker
from tests.system.platform import Platform

REFUSED = "/admin/orders/chassis/deadletter/?consumer=order.refused"
QUEUE = "souk.order.auth"
MESSAGES = ("no <b>JSON</b> at all", "y" * 100, "\x80\x04\x95a pickle")
# The name of a link's symbol comes first.
REDRIVE = re.compile(r"\bRedrive$")
SIZES = ({"width": 1280, "height": 900}, {"width": 390, "height": 844})


@pytest.fixture
def staff(page: Page, platform: Platform) -> Iterator[Page]:
    """Return a page of staff."""
    with staff_at("/admin/orders/", page, platform):
        yield page


class TestRefusedMessages:
    def test_are_told_apart_redriven_in_vain_and_discarded(self, staff, platform):
        with broker.administered(platform) as client:
            for message in MESSAGES:
                client.lpush(QUEUE, message)
        rows = staff.locator("#result_list tbody tr")
        for _ in range(30):
            staff.goto(REFUSED)
            if rows.count() == len(MESSAGES):
                break
            staff.wait_for_timeout(500)
        expect(rows).to_have_count(len(MESSAGES))
        for size in SIZES:
            staff.set_viewport_size(size)
            for text in ("from auth: no <b>JSON</b> at all", f"from auth: {'y' * 60}…"):
                cell = rows.filter(has_text=text)
                expect(cell).to_have_count(1)
                # All of it is to be seen.
                box = cell.locator(".souk-long").bounding_box()
                assert box is not None
                assert box["x"] + box["width"] <= size["width"], size
        staff.set_viewport_size(SIZES[0])
        rows.filter(has_text="no <b>JSON</b>").get_by_role("link").click()
        expect(staff.locator("pre").last).to_have_text("from auth\n\nno <b>JSON</b> at all")
        staff.get_by_role("link", name=REDRIVE).click()
        staff.get_by_role("button", name="Redrive").click()
        expect(staff.get_by_text("The message is no event")).to_be_visible()
        staff.goto(REFUSED)
        staff.locator("#action-toggle").check()
        staff.locator("select[name=action]").select_option("redrive_selected")
        staff.get_by_role("button", name="Run").click()
        staff.get_by_role("button", name="Redrive").click()
        expect(staff.get_by_text("3 dead letters could not be redriven: ")).to_be_visible()
        staff.locator("#action-toggle").check()
        staff.locator("select[name=action]").select_option("discard_selected")
        staff.get_by_role("button", name="Run").click()
        expect(staff.get_by_role("listitem").filter(has_text="from auth: yyy")).to_be_visible()
        staff.get_by_label("Reason").fill("Forged by a test")
        staff.get_by_role("button", name="Discard").click()
        expect(staff.get_by_text("3 dead letters discarded.")).to_be_visible()
