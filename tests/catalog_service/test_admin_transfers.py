"""Imports and exports in the admin: begun, watched, downloaded."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from apps.catalog_service.admin import site
from apps.catalog_service.models import Product, Transfer
from apps.catalog_service.services import transfers
from chassis.models import AuditEntry
from tests.catalog_service import factories
from tests.catalog_service.importing.running import HEADER
from tests.staff import change_url, messages_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("private_files")]

GOOD = f"{HEADER}A-1,Tea pot,19.90,Kitchen\n"


def page_of(name):
    return reverse(f"admin:catalog_transfer_{name}")


def upload(text=GOOD, name="mine.csv"):
    return SimpleUploadedFile(name, text.encode())


def begin_import(browser, **data):
    """Send the form; return the answer."""
    return browser.press(page_of("import_products"), **{"on_hand": "0", "file": upload(), **data})


def run(transfer):
    """Run it as a worker does."""
    transfers.run(transfer.pk, lambda: False)
    transfer.refresh_from_db()


class TestImport:
    def test_is_begun_by_a_file_and_leads_to_its_page(self, staff_browser):
        browser = staff_browser()
        answer = begin_import(
            browser,
            on_hand="5",
            mapping="sku=Id\nname=Name",
            dry_run="on",
            file=upload(name="a.JSON"),
        )
        transfer = Transfer.objects.get()
        assert answer["Location"] == change_url(transfer)
        assert messages_of(answer) == ["A worker takes it up within seconds."]
        assert (transfer.kind, transfer.file_name) == ("import_products", "a.JSON")
        assert transfer.created_by == browser.user_id
        assert transfer.options == {
            "form": "json",
            "mapping": {"sku": "Id", "name": "Name"},
            "on_hand": 5,
            "strict": False,
            "dry_run": True,
        }
        assert AuditEntry.objects.get().actor_id == browser.user_id

    @pytest.mark.parametrize(
        ("data", "told"),
        [
            ({"file": upload(name="mine.exe")}, "Its name must end in .csv or .json."),
            ({"file": ""}, "This field is required."),
            ({"file": upload("")}, "The submitted file is empty."),
            ({"on_hand": "-1"}, "greater than or equal to 0"),
            ({"mapping": "colour=Colour"}, "A product has no field &quot;colour&quot;"),
        ],
    )
    def test_is_not_begun_with_what_will_not_do(self, staff_browser, data, told):
        answer = begin_import(staff_browser(), **data)
        assert answer.status_code == 200
        assert told in answer.content.decode()
        assert not Transfer.objects.exists()

    def test_is_not_begun_with_a_file_too_large(self, staff_browser, monkeypatch):
        monkeypatch.setattr(transfers, "MOST_BYTES", 10)
        answer = begin_import(staff_browser())
        assert "It is larger than" in answer.content.decode()
        assert not Transfer.objects.exists()

    def test_is_not_begun_without_the_forms_token(self, staff_browser):
        answer = staff_browser().post(
            page_of("import_products"), {"file": upload(), "on_hand": "0"}
        )
        assert answer.status_code == 403
        assert not Transfer.objects.exists()

    @pytest.mark.parametrize("name", ["import_products", "adjust_stock", "export_products"])
    def test_is_closed_to_customers(self, client, staff_browser, name):
        for browser in (client, staff_browser("customer")):
            assert browser.get(page_of(name)).status_code == 302
        # To auth, with what was sent: whoever is no staff is refused there.
        assert client.post(page_of(name), {"file": upload()}).status_code == 307
        assert not Transfer.objects.exists()


class TestPage:
    def test_looks_again_while_it_is_under_way_alone(self, staff_browser):
        browser = staff_browser()
        begin_import(browser, file=upload(f"{GOOD}B-1,Cup,dear,Kitchen\n", name="<b>.csv"))
        transfer = Transfer.objects.get()
        page = browser.get(change_url(transfer))
        assert page["Refresh"] == "2"
        assert "Waits for a worker." in page.content.decode()
        Transfer.objects.update(status="running", progress=21, total=50)
        assert "42 % done." in browser.get(change_url(transfer)).content.decode()
        Transfer.objects.update(status="queued")
        run(transfer)
        page = browser.get(change_url(transfer))
        content = page.content.decode()
        assert "Refresh" not in page
        assert "&lt;b&gt;.csv" in content
        assert "<b>" not in content
        assert "price must be an amount" in content
        assert Product.objects.count() == 1

    def test_and_list_warn_of_rows_left_out(self, staff_browser):
        browser = staff_browser()
        for text in (f"{GOOD}B-1,Cup,dear,Kitchen\n", GOOD):
            begin_import(browser, file=upload(text))
            run(Transfer.objects.latest("pk"))
        whole, partly = browser.get(page_of("changelist")).context["cl"].result_list
        transfers_: Any = site._registry[Transfer]
        assert (transfers_.state(whole), transfers_.state(partly)) == ("done", "done in part")
        assert "1 left out" in transfers_.result(partly)
        warned = {row: browser.get(change_url(row)).content.decode() for row in (whole, partly)}
        assert "1 row left out: see below." in warned[partly]
        assert "souk-warning" in warned[partly]
        assert "souk-warning" not in warned[whole]
        assert f"/admin/auth/accounts/user/{browser.user_id}/change/" in warned[whole]

    def test_tells_which_columns_were_not_read(self, staff_browser):
        browser = staff_browser()
        begin_import(browser, file=upload("sku,name,price,category,on_hand,<i>\nA,Pot,1,Tea,5,x\n"))
        run(transfer := Transfer.objects.get())
        content = browser.get(change_url(transfer)).content.decode()
        assert "Columns not read</span><span>on_hand, &lt;i&gt;</span>" in content
        listed = browser.get(page_of("changelist")).context["cl"].result_list[0]
        transfers_: Any = site._registry[Transfer]
        assert "unread" not in transfers_.result(listed)

    def test_tells_why_it_failed(self, staff_browser):
        begin_import(staff_browser(), file=upload("sku\nA\n"))
        transfer = Transfer.objects.get()
        run(transfer)
        told = "The file has no column &quot;name&quot;"
        assert told in staff_browser().get(change_url(transfer)).content.decode()
        assert told in staff_browser().get(page_of("changelist")).content.decode()


class TestAdjustment:
    def test_is_begun_and_applied(self, staff_browser):
        made = factories.product(sku="A-1")
        browser = staff_browser()
        answer = browser.press(
            page_of("adjust_stock"), file=upload("sku,quantity\nA-1,4\n"), reason="counted"
        )
        transfer = Transfer.objects.get()
        assert answer["Location"] == change_url(transfer)
        run(transfer)
        assert factories.stock_of(made) == (4, 0)
        movement = made.movements.get()
        assert (movement.reason, movement.actor) == ("counted", f"user:{browser.user_id}")

    def test_takes_csv_alone(self, staff_browser):
        answer = staff_browser().press(page_of("adjust_stock"), file=upload(name="a.json"))
        assert "Its name must end in .csv." in answer.content.decode()


class TestExport:
    def test_is_begun_and_downloaded(self, staff_browser):
        factories.product(sku="A-1", status="draft")
        factories.product(sku="B-1")
        browser = staff_browser()
        chosen = f"{page_of('export_products')}?category=lighting&status=draft"
        assert 'value="draft" selected' in browser.get(chosen).content.decode()
        browser.press(chosen, category="lighting", status="draft")
        transfer = Transfer.objects.get()
        download = reverse("admin:catalog_transfer_download", args=[transfer.pk])
        assert browser.get(download).status_code == 403
        run(transfer)
        assert download in browser.get(change_url(transfer)).content.decode()
        answer = browser.get(download)
        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert [line.split(",")[0] for line in lines] == ["sku", "A-1"]
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"] == f'attachment; filename="{transfer.file_name}"'
        assert answer["X-Content-Type-Options"] == "nosniff"

    def test_says_when_its_file_is_gone(self, staff_browser):
        browser = staff_browser()
        browser.press(page_of("export_products"))
        transfer = Transfer.objects.get()
        Transfer.objects.update(stored_name="transfers/gone", status="done")
        answer = browser.get(reverse("admin:catalog_transfer_download", args=[transfer.pk]))
        assert answer["Location"] == change_url(transfer)
        assert messages_of(answer)[-1] == "The file is not in the storage any more."

    def test_is_closed_to_customers(self, client, staff_browser):
        staff_browser().press(page_of("export_products"))
        transfer = Transfer.objects.get()
        run(transfer)
        download = reverse("admin:catalog_transfer_download", args=[transfer.pk])
        for browser in (client, staff_browser("customer")):
            assert browser.get(download).status_code == 302


class TestStorageAway:
    def test_begins_nothing_and_says_so(self, staff_browser, private_files):
        private_files.write_text("no folder")
        answer = begin_import(staff_browser())
        assert "The storage of files does not answer: try again" in answer.content.decode()
        assert not Transfer.objects.exists()

    def test_downloads_nothing_and_says_so(self, staff_browser, private_files):
        browser = staff_browser()
        browser.press(page_of("export_products"))
        transfer = Transfer.objects.get()
        Transfer.objects.update(stored_name="transfers/x", status="done")
        private_files.write_text("no folder")
        answer = browser.get(reverse("admin:catalog_transfer_download", args=[transfer.pk]))
        assert answer["Location"] == change_url(transfer)
        assert messages_of(answer)[-1] == "The storage of files does not answer: try again"
