"""Files that staff bring in and take out: from the form to the worker and back."""

import csv
import io

from tests.system import admin
from tests.system.platform import Platform

ROWS = 3000


class TestTransfers:
    def test_are_done_by_a_worker_and_can_be_had_again(self, platform: Platform) -> None:
        brought = admin.many_products("W", ROWS)
        with admin.logged_in(platform) as client:
            page = admin.begin_import(client, brought)
            assert f"{ROWS}</span>" in admin.wait_for_end(client, page)
            assert admin.download(client, page).text == brought
            page = admin.begin_export(client, category="drafts")
            admin.wait_for_end(client, page)
            taken = list(csv.DictReader(io.StringIO(admin.download(client, page).text, newline="")))
        assert [row["sku"] for row in taken] == [f"W-{number:06d}" for number in range(ROWS)]
