"""What catalog tells of reservations and stock (chassis.metrics)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.catalog_service.models import AlertKind, Reservation
from apps.catalog_service.selectors import figures
from apps.catalog_service.services import alerts
from apps.catalog_service.services.reservations import reserving
from chassis.ids import uuid7
from tests.catalog_service.factories import product, reserve

pytestmark = pytest.mark.django_db


def counted():
    (family,) = reserving._RESERVATIONS.collect()
    return {sample.labels["outcome"]: sample.value for sample in family.samples}


class TestReservations:
    def test_are_counted_by_what_came_of_them(self, order):
        product(on_hand=5, sku="LAMP")
        before, order_id = counted(), uuid7()
        for lines in ([("LAMP", 2)], [("LAMP", 2)], [("LAMP", 3)]):
            reserve(order, *lines, order_id=order_id)
        reserve(order, ("LAMP", 4))
        reserve(order, ("NOTHING", 1))
        added = {key: value - before.get(key, 0) for key, value in counted().items()}
        assert {key: value for key, value in added.items() if value} == {
            "reserved": 1,
            "repeated": 1,
            "reservation-mismatch": 1,
            "out-of-stock": 1,
            "unknown-sku": 1,
        }


class TestFigures:
    @pytest.mark.parametrize(("minutes", "overdue"), [(4, 0), (6, 1)])
    def test_tell_of_reservations_that_outlived_their_time(self, order, minutes, overdue):
        product(on_hand=5, sku="LAMP")
        reserve(order, ("LAMP", 2))
        now = timezone.now()
        Reservation.objects.update(
            created_at=now - timedelta(hours=1), expires_at=now - timedelta(minutes=minutes)
        )
        assert figures.read() == {
            "souk_reservations_overdue": overdue,
            "souk_stock_ledger_wrong": 0,
        }

    def test_tell_of_stock_that_is_not_what_its_ledger_says_until_it_is(self, order):
        subject = uuid7()
        alerts.raise_alert(AlertKind.LEDGER_MISMATCH, subject)
        assert figures.read()["souk_stock_ledger_wrong"] == 1
        alerts.clear_alert(AlertKind.LEDGER_MISMATCH, subject)
        assert figures.read()["souk_stock_ledger_wrong"] == 0
