"""The ledger is proved, and what does not sum up is told."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from apps.catalog_service.models import Alert, Reservation, Stock
from apps.catalog_service.services import ledger, reservations
from apps.catalog_service.services.reservations import WantedLine
from chassis.ids import uuid7
from tests.catalog_service.factories import product, reserve


def check_ledger(*options: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("check_ledger", *options, stdout=out)
    except SystemExit as error:
        return int(error.code or 0), out.getvalue()
    return 0, out.getvalue()


def open_alerts() -> list[tuple[str, Any]]:
    return list(Alert.objects.filter(cleared_at=None).values_list("subject", "details"))


@pytest.mark.django_db
class TestCheck:
    def test_finds_nothing_where_all_is_well(self, order, deliver):
        made, order_id = [product(5) for _ in range(3)], uuid7()
        reserve(order, (made[0].sku, 2), (made[1].sku, 1), order_id=order_id)
        reserve(order, (made[0].sku, 1))
        deliver("order.paid", {"order_id": str(order_id)}, str(order_id))
        assert ledger.check() == []
        assert check_ledger() == (0, "The ledger sums up.\n")
        assert check_ledger("--json") == (0, "[]\n")

    @pytest.mark.parametrize("batch", [1, 2, 3, 100])
    def test_looks_at_every_product(self, monkeypatch, batch):
        monkeypatch.setattr(ledger, "_BATCH", batch)
        made = [product(5) for _ in range(5)]
        for p in made:
            Stock.objects.filter(product=p).update(on_hand=6)
        assert [found.product_id for found in ledger.check()] == [p.id for p in made]

    @pytest.mark.parametrize("values", [{"on_hand": 4}, {"reserved": 1}])
    def test_finds_stock_that_differs_from_its_ledger(self, values):
        product(1)
        made = product(5)
        Stock.objects.filter(product=made).update(**values)
        (found,) = ledger.check()
        now = {"on_hand": 5, "reserved": 0, **values}
        on_hand, reserved = now["on_hand"], now["reserved"]
        assert found == (made.id, made.sku, on_hand, reserved, 5, 0, 0)
        line = f"{made.sku}: stock {on_hand} on hand, {reserved} reserved;"
        code, text = check_ledger()
        assert code == 1
        assert text.startswith(line)
        assert text.endswith("1 mismatches\n")
        code, text = check_ledger("--json")
        assert (code, json.loads(text)[0]["sku"]) == (1, made.sku)

    def test_finds_reserved_pieces_that_no_reservation_holds(self, order):
        made = product(5)
        reserve(order, (made.sku, 2))
        Reservation.objects.update(status="released", closed_at="2026-01-01T00:00:00Z")
        (found,) = ledger.check()
        assert (found.reserved, found.ledger_reserved, found.promised) == (2, 2, 0)


@pytest.mark.django_db
class TestWatch:
    def test_tells_staff_until_it_is_over(self):
        made = product(5)
        Stock.objects.filter(product=made).update(on_hand=4)
        for _ in range(2):
            assert ledger.watch() == 1
            ((subject, details),) = open_alerts()
            assert (subject, details["on_hand"], details["ledger_on_hand"]) == (str(made.id), 4, 5)
        Stock.objects.filter(product=made).update(on_hand=5)
        assert ledger.watch() == 0
        assert open_alerts() == []


@pytest.mark.django_db(transaction=True)
class TestCheckWhileOrdersGoOn:
    def test_finds_nothing(self, at_once):
        made = [product(1000) for _ in range(3)]
        lines = [WantedLine(p.sku, 1, n) for n, p in enumerate(made)]

        def sell() -> None:
            for _ in range(15):
                order_id = uuid7()
                reservations.reserve(order_id=order_id, lines=lines)
                reservations.release_reservation(order_id=order_id)

        def check() -> list[ledger.Mismatch]:
            return [found for _ in range(15) for found in ledger.check()]

        results = at_once(*[sell] * 3, *[check] * 2)
        assert results == [None, None, None, [], []]
