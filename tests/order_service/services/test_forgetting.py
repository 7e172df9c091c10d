from datetime import timedelta

import pytest
from django.utils import timezone

from apps.order_service import services
from apps.order_service.models import CartItem, IdempotencyRecord
from apps.order_service.services.forgetting import ANSWERS_KEPT, CARTS_KEPT
from chassis import retention
from chassis.ids import uuid7
from tests.order_service.factories import place

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def answer(age, *, answered=True):
    at = NOW - age
    return IdempotencyRecord.objects.create(
        user_id=uuid7(),
        route="POST /api/v1/orders",
        key="k",
        status=201 if answered else None,
        created_at=at,
        answered_at=at if answered else None,
    )


def item(user_id, age, sku="LAMP"):
    return CartItem.objects.create(
        user_id=user_id, sku=sku, quantity=1, added_at=NOW - age, changed_at=NOW - age
    )


class TestAnswers:
    def test_go_after_a_week(self):
        answer(ANSWERS_KEPT + timedelta(seconds=1))
        kept = answer(ANSWERS_KEPT - timedelta(seconds=1))
        assert services.delete_old_answers(now=NOW) == 1
        assert list(IdempotencyRecord.objects.all()) == [kept]
        assert services.delete_old_answers(now=NOW) == 0

    def test_stay_while_a_request_has_none(self):
        answer(10 * ANSWERS_KEPT, answered=False)
        assert services.delete_old_answers(now=NOW) == 0

    def test_go_batch_by_batch(self, monkeypatch):
        monkeypatch.setattr(retention, "BATCH", 2)
        for _ in range(5):
            answer(2 * ANSWERS_KEPT)
        answer(2 * ANSWERS_KEPT, answered=False)
        assert services.delete_old_answers(now=NOW) == 5

    def test_that_are_gone_leave_the_order_and_the_key_free(self, as_customer):
        first = place(as_customer, key="k").json()
        services.delete_old_answers(now=NOW + 2 * ANSWERS_KEPT)
        second = place(as_customer, key="k")
        assert second.status_code == 201
        assert second.json()["id"] != first["id"]
        assert as_customer.get(f"/api/v1/orders/{first['id']}").status_code == 200


class TestCarts:
    def test_go_when_nobody_changed_them_for_90_days(self):
        gone, kept = uuid7(), uuid7()
        item(gone, CARTS_KEPT + timedelta(seconds=1))
        item(gone, 2 * CARTS_KEPT, "CHAIR")
        item(kept, CARTS_KEPT - timedelta(seconds=1))
        assert services.delete_old_carts(now=NOW) == 2
        assert set(CartItem.objects.values_list("user_id", flat=True)) == {kept}

    def test_are_as_young_as_their_youngest_item(self):
        user_id = uuid7()
        item(user_id, 2 * CARTS_KEPT)
        item(user_id, timedelta(days=1), "CHAIR")
        assert services.delete_old_carts(now=NOW) == 0

    def test_go_batch_by_batch_past_those_that_stay(self, monkeypatch):
        monkeypatch.setattr(retention, "BATCH", 2)
        active = uuid7()
        for number in range(3):
            item(active, 2 * CARTS_KEPT, f"OLD-{number}")
        for _ in range(3):
            item(uuid7(), 2 * CARTS_KEPT)
        item(active, timedelta(), "NEW")
        assert services.delete_old_carts(now=NOW) == 3
        assert set(CartItem.objects.values_list("user_id", flat=True)) == {active}


def test_both_are_run_each_hour():
    answer(2 * ANSWERS_KEPT)
    item(uuid7(), 2 * CARTS_KEPT)
    assert {("answers", 1), ("carts", 1)} <= set(retention.prune(now=NOW))
