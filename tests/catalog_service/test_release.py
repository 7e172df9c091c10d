"""Freeing the stock of orders that the order service has forgotten."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.catalog_service.models import Reservation
from apps.catalog_service.services import reservations
from chassis.ids import uuid7
from chassis.models import AuditEntry
from tests.catalog_service.factories import ledger_of, product, reservation_path, reserve, stock_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lamp():
    return product(on_hand=5, sku="LAMP")


@pytest.fixture
def order_id(order, lamp):
    """Return an order with two of five lamps reserved."""
    made = uuid7()
    assert reserve(order, ("LAMP", 2), order_id=made).status_code == 201
    return made


def release(*ids, **options):
    call_command("release_reservations", *map(str, ids), **options)


def test_frees_what_was_reserved_once(order_id, lamp, capsys):
    release(order_id)
    release(order_id)
    assert stock_of(lamp) == ledger_of(lamp) == (5, 0)
    assert Reservation.objects.get(order_id=order_id).status == "released"
    assert capsys.readouterr().out == "1 reservation closed.\n" * 2
    (first, _) = AuditEntry.objects.filter(action="reservation.released").order_by("id")
    assert (first.target_id, first.details) == (
        str(order_id),
        {"done": "released 1 line, 2 units"},
    )


def test_lets_no_late_order_have_it_again(order, order_id, lamp):
    release(order_id)
    assert order.put(
        reservation_path(order_id), {"lines": [{"sku": "LAMP", "quantity": 2}]}
    ).json()["code"] == ("reservation-closed")
    assert stock_of(lamp) == (5, 0)


def test_leaves_what_is_sold_unless_told(order_id, lamp):
    reservations.commit(order_id)
    with pytest.raises(
        CommandError, match=f"{order_id}: its goods are sold; --sold puts them back"
    ):
        release(order_id)
    assert stock_of(lamp) == (3, 0)
    assert not AuditEntry.objects.filter(action="reservation.released").exists()
    release(order_id, sold=True)
    assert stock_of(lamp) == ledger_of(lamp) == (5, 0)
    assert Reservation.objects.get(order_id=order_id).status == "returned"


def test_makes_no_reservation_and_goes_on(order_id, lamp, capsys):
    stranger = uuid7()
    with pytest.raises(CommandError, match=f"{stranger}: catalog has no such reservation"):
        release(stranger, order_id)
    assert capsys.readouterr().out == "1 reservation closed.\n"
    assert stock_of(lamp) == (5, 0)
    assert not Reservation.objects.filter(order_id=stranger).exists()
