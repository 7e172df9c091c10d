"""Orders out as a CSV: over the API for staff, and by a command."""

import csv
import io
import tracemalloc
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from apps.order_service import selectors
from apps.order_service.models import Customer, Order
from apps.order_service.selectors import export
from tests.order_service.factories import ADDRESS, ORDERS, cancel, many_orders, pay, place
from tests.order_service.test_api import pointers, problem_of

pytestmark = pytest.mark.django_db

EXPORT = f"{ORDERS}/export"


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def exported(client: Any, query: str = "") -> list[dict[str, str]]:
    """Return the lines of the file that the API gives."""
    response = client.get(f"{EXPORT}{query}")
    assert response.status_code == 200
    return read(b"".join(response.streaming_content).decode())


class TestRows:
    def test_tell_what_a_bookkeeper_asks_for(self, as_customer, as_staff):
        Customer.objects.create(user_id=as_customer.user_id, email="ada@x.org", name="Ada")
        order = place(as_customer, ("LAMP", 2), ("CHAIR", 1)).json()
        pay(as_customer, order["id"], "tok_declined")
        pay(as_customer, order["id"])
        (line,) = exported(as_staff)
        assert list(line) == list(export.COLUMNS)
        order = as_customer.get(f"{ORDERS}/{order['id']}").json()
        for name in ("id", "number", "user_id", "status", "subtotal", "total", "tax", "currency"):
            assert line[name] == order[name]
        assert (line["pieces"], line["lines"]) == ("3", "2 x LAMP; 1 x CHAIR")
        assert (line["email"], line["country"]) == ("ada@x.org", "NL")
        assert line["payment_method"] == "sandbox"
        assert line["payment_reference"].startswith("sandbox-")
        assert line["paid_at"] == order["paid_at"][:19].replace("T", " ")
        assert line["shipped_at"] == ""

    def test_are_one_per_order_so_that_amounts_add_up(self, as_customer, as_staff):
        placed = [place(as_customer, ("LAMP", 1), ("CHAIR", 1)).json() for _ in range(3)]
        lines = exported(as_staff)
        assert [line["number"] for line in lines] == [order["number"] for order in placed]
        assert sum(Decimal(line["total"]) for line in lines) == sum(
            Decimal(order["total"]) for order in placed
        )

    def test_have_no_amounts_where_there_was_no_price(self, as_customer, as_staff):
        place(as_customer, ("NONE", 1))
        (line,) = exported(as_staff)
        assert (line["status"], line["total"], line["placed_at"]) == ("rejected", "", "")
        assert line["rejected_at"]
        assert (line["email"], line["payment_method"]) == ("", "")

    def test_disarm_formulas(self, as_customer, as_staff):
        Customer.objects.create(user_id=as_customer.user_id, email='=HYPERLINK("x")@x.org', name="")
        place(as_customer, ("LAMP", 1))
        (line,) = exported(as_staff)
        assert line["email"] == '\'=HYPERLINK("x")@x.org'
        text = "".join(selectors.csv_rows(Order.objects.all(), for_spreadsheets=False))
        assert read(text)[0]["email"] == '=HYPERLINK("x")@x.org'

    def test_stay_one_line_each_whatever_a_customer_writes(self, as_customer, as_staff):
        sku = 'A"\r\n1,2;\n'.strip() + "x"
        place(as_customer, (sku, 1))
        place(as_customer)
        assert [line["lines"] for line in exported(as_staff)] == [f"1 x {sku}", "2 x LAMP"]

    def test_go_on_behind_a_batch(self, as_staff, monkeypatch):
        monkeypatch.setattr(export, "BATCH", 2)
        many_orders(5)
        numbers = [line["number"] for line in exported(as_staff)]
        assert numbers == list(Order.objects.order_by("id").values_list("number", flat=True))

    def test_take_memory_for_a_batch_and_three_queries_each(self, monkeypatch):
        many_orders(600)
        monkeypatch.setattr(export, "BATCH", 50)
        rows = selectors.csv_rows(Order.objects.all())
        next(rows)
        next(rows)
        tracemalloc.start()
        try:
            with CaptureQueriesContext(connection) as queries:
                assert sum(1 for _ in rows) == 11
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(queries) == 12 + 11 * 2  # orders until there are no more, addresses, payments
        # A batch takes 150 KiB, all orders 1.2 MiB.
        assert peak < 500_000

    def test_hold_no_transaction(self, transactional_db, monkeypatch):
        monkeypatch.setattr(export, "BATCH", 1)
        many_orders(2)
        for _ in selectors.csv_rows(Order.objects.all()):
            assert connection.connection.info.transaction_status.name == "IDLE"


class TestDownload:
    def test_is_a_file_that_nobody_keeps(self, as_staff):
        many_orders(1)
        response = as_staff.get(EXPORT)
        assert response.streaming
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="orders.csv"'
        assert response["Cache-Control"] == "no-store"
        assert "Content-Length" not in response
        assert b"".join(response.streaming_content).startswith("\ufeffnumber,".encode())

    def test_takes_the_filters_of_the_list(self, as_customer, as_staff):
        kept, cancelled = (place(as_customer).json() for _ in range(2))
        cancel(as_customer, cancelled["id"])
        assert [line["id"] for line in exported(as_staff, "?status=placed,paid")] == [kept["id"]]
        assert exported(as_staff, "?sku=CHAIR") == []
        assert pointers(as_staff.get(f"{EXPORT}?status=lost")) == ["#/status"]

    def test_is_for_staff(self, as_customer, as_admin, api):
        problem_of(as_customer.get(EXPORT), 403, "permission-denied")
        problem_of(api.get(EXPORT), 401, "authentication-required")
        assert exported(as_admin) == []

    def test_ends_when_its_reader_goes_away(self, as_staff, monkeypatch):
        monkeypatch.setattr(export, "BATCH", 1)
        many_orders(3)
        response = as_staff.get(EXPORT)
        content = iter(response.streaming_content)
        next(content)
        response.close()
        with CaptureQueriesContext(connection) as queries, pytest.raises(StopIteration):
            next(content)
        assert len(queries) == 0

    def test_is_a_problem_where_there_is_no_database(self, as_staff, monkeypatch):
        def fail(_: Any) -> Any:
            raise OperationalError("gone")

        # Read by the first piece, and so before an answer has begun.
        monkeypatch.setattr(export, "_read_batch", fail)
        problem_of(as_staff.get(EXPORT), 503, "unavailable")


class TestCommand:
    def run(self, *arguments: Any) -> tuple[str, str]:
        out, err = io.StringIO(newline=""), io.StringIO()
        call_command("export_orders", *map(str, arguments), stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()

    def test_writes_to_standard_output(self, as_customer):
        order = place(as_customer).json()
        out, err = self.run("-")
        assert [line["number"] for line in read(out)] == [order["number"]]
        assert out.startswith("number,")
        assert err == "1 order exported\n"

    def test_writes_what_is_asked_for(self, as_customer, tmp_path):
        place(as_customer)
        place(as_customer, ("NONE", 1))
        path = tmp_path / "orders.csv"
        _, err = self.run(path, "--status", "rejected", "--status", "paid", "--for-spreadsheets")
        text = path.read_bytes().decode()
        assert text.startswith("\ufeff")
        assert [line["status"] for line in read(text)] == ["rejected"]
        assert err == "1 order exported\n"
        assert self.run("-", "--placed-before", "2020-01-01")[1] == "0 orders exported\n"
        assert self.run("-", "--placed-after", "2020-01-01T00:00:00Z")[1] == "1 order exported\n"

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["-", "--placed-after", "now"], "now is no time such as 2026-01-01T00:00:00Z."),
            (["-", "--placed-before", "2026-13-01"], "2026-13-01 is no time"),
            (["-", "--status", "lost"], "invalid choice: 'lost'"),
            (["{tmp}"], "is a folder, not a file."),
        ],
    )
    def test_says_in_one_sentence_what_is_wrong(self, tmp_path, arguments, told):
        with pytest.raises(CommandError) as failure:
            self.run(*(argument.format(tmp=tmp_path) for argument in arguments))
        assert told in str(failure.value)


def test_addresses_are_not_in_the_file(as_customer, as_staff):
    """Who keeps the books needs the country alone."""
    place(as_customer)
    assert ADDRESS["line1"] not in str(exported(as_staff))
