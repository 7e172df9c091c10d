"""Callers at once, each on a connection of its own; nobody sleeps."""

import itertools
import random
from collections import Counter
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, transaction
from psycopg.errors import DeadlockDetected

from apps.catalog_service.errors import (
    CategoryCycle,
    CategoryInUse,
    SkuTaken,
    SlugTaken,
    StockShort,
    UnknownCategory,
)
from apps.catalog_service.models import (
    Category,
    Product,
    ProductSales,
    Reservation,
    ReservationLine,
    Stock,
    StockMovement,
)
from apps.catalog_service.services import categories, products, reservations, stock
from apps.catalog_service.services.reservations import reserving
from chassis.ids import uuid7
from chassis.models import InboxEvent
from tests.catalog_service.factories import (
    PRODUCTS,
    category,
    ledger_of,
    product,
    reservation_path,
    reserve,
    stock_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


def codes(responses: list[Any]) -> Counter[Any]:
    return Counter(
        response.json().get("code", response.status_code)
        if response.status_code >= 400
        else response.status_code
        for response in responses
    )


class TestLastUnit:
    def test_goes_to_one_of_fifty_buyers(self, order, at_once):
        made = product(1)
        responses = at_once(*[partial(reserve, order, (made.sku, 1))] * 50)
        assert codes(responses) == {201: 1, "out-of-stock": 49}
        assert stock_of(made) == ledger_of(made) == (1, 1)
        assert Reservation.objects.count() == ReservationLine.objects.count() == 1


class TestSameOrderAtOnce:
    def test_makes_one_reservation(self, order, at_once):
        made, order_id = product(20), uuid7()
        responses = at_once(*[partial(reserve, order, (made.sku, 2), order_id=order_id)] * 10)
        assert codes(responses) == {201: 1, 200: 9}
        assert len({response.content for response in responses}) == 1
        assert stock_of(made) == ledger_of(made) == (20, 2)

    def test_with_other_lines_makes_one_reservation(self, order, at_once):
        made, order_id = product(20), uuid7()
        responses = at_once(
            *[partial(reserve, order, (made.sku, n + 1), order_id=order_id) for n in range(6)]
        )
        assert codes(responses) == {201: 1, "reservation-mismatch": 5}
        line = ReservationLine.objects.get()
        assert stock_of(made) == ledger_of(made) == (20, line.quantity)

    def test_short_of_stock_is_short_for_all(self, order, at_once):
        made, order_id = product(1), uuid7()
        responses = at_once(*[partial(reserve, order, (made.sku, 2), order_id=order_id)] * 6)
        assert codes(responses) == {"out-of-stock": 6}
        assert not Reservation.objects.exists()

    @pytest.mark.parametrize("attempt", range(5))
    def test_put_against_delete_leaks_nothing(self, order, at_once, attempt):
        made, order_id = product(5), uuid7()
        put, deleted = at_once(
            partial(reserve, order, (made.sku, 2), order_id=order_id),
            partial(order.delete, reservation_path(order_id)),
        )
        assert deleted.status_code == 204
        assert set(codes([put])) <= {201, "reservation-closed"}
        assert stock_of(made) == ledger_of(made) == (5, 0)
        assert Reservation.objects.get().status == "released"

    @pytest.mark.parametrize("attempt", range(5))
    def test_payment_against_delete_has_one_winner(self, order, at_once, deliver, attempt):
        made, order_id = product(5), uuid7()
        reserve(order, (made.sku, 2), order_id=order_id)
        _, deleted = at_once(
            partial(deliver, "order.paid", {"order_id": str(order_id)}, str(order_id)),
            partial(order.delete, reservation_path(order_id)),
        )
        status = Reservation.objects.get().status
        if status == "committed":
            assert codes([deleted]) == {"reservation-closed": 1}
            assert stock_of(made) == ledger_of(made) == (3, 0)
        else:
            assert (status, deleted.status_code) == ("released", 204)
            assert stock_of(made) == ledger_of(made) == (5, 0)


class TestReservationInTheMaking:
    """Another transaction has claimed the order or the stock, and has not ended."""

    def test_that_never_ends_is_answered_with_503(self, order, at_once):
        made, order_id = product(5), uuid7()

        with transaction.atomic():
            reservations.release(order_id)
            (response,) = at_once(partial(reserve, order, (made.sku, 1), order_id=order_id))
            transaction.set_rollback(True)
        assert (response.status_code, response["Retry-After"]) == (503, "1")
        assert reserve(order, (made.sku, 1), order_id=order_id).status_code == 201

    def test_of_a_product_that_is_edited_does_not_wait(self, order, at_once):
        made = product(5)
        with transaction.atomic():
            products.lock_product(slug=made.slug)
            Product.objects.filter(id=made.id).update(name="New")
            (response,) = at_once(partial(reserve, order, (made.sku, 1)))
        assert response.status_code == 201


class TestManyThingsAtOnce:
    @pytest.mark.timeout(120)
    def test_keep_stock_and_ledger_in_agreement(self, order, at_once, deliver):
        made = [product(30) for _ in range(4)]

        def work(seed: int) -> list[int]:
            dice, statuses = random.Random(seed), []
            for _ in range(12):
                order_id = uuid7()
                lines = [(p.sku, dice.randint(1, 3)) for p in dice.sample(made, 3)]
                response = reserve(order, *lines, order_id=order_id)
                statuses.append(response.status_code)
                name = dice.choice(["order.paid", "order.cancelled", "order.rejected", None])
                if name and response.status_code == 201:
                    deliver(name, {"order_id": str(order_id)}, str(order_id))
                adjusted = dice.choice(made)
                stock.adjust_stock(slug=adjusted.slug, quantity=1, reason="found", actor="test")
            return statuses

        results = at_once(*[partial(work, seed) for seed in range(8)])
        assert [r for r in results if isinstance(r, Exception)] == []
        assert set(itertools.chain(*results)) == {201, 409}
        for p in made:
            assert stock_of(p) == ledger_of(p)
            lines = ReservationLine.objects.filter(product=p)
            promised = lines.filter(reservation__status="reserved")
            assert stock_of(p)[1] == sum(promised.values_list("quantity", flat=True))
        assert not InboxEvent.objects.filter(handled_at=None).exists()

    def test_reserve_in_any_order_of_lines(self, order, at_once):
        made = [product(1000) for _ in range(6)]

        def work(seed: int) -> list[int]:
            dice = random.Random(seed)
            return [
                reserve(order, *[(p.sku, 1) for p in dice.sample(made, 6)]).status_code
                for _ in range(8)
            ]

        results = at_once(*[partial(work, seed) for seed in range(8)])
        assert Counter(itertools.chain(*results)) == {201: 64}
        assert {stock_of(p) for p in made} == {(1000, 64)}


class TestDeadlock:
    def test_is_tried_again(self, order, monkeypatch):
        made, failures = product(5), iter([1, 1, 1])
        move = stock.move_stock

        def unlucky(*args: Any, **named: Any) -> stock.Moved:
            if next(failures, None):
                raise OperationalError("deadlock") from DeadlockDetected()
            return move(*args, **named)

        monkeypatch.setattr(reserving, "move_stock", unlucky)
        assert reserve(order, (made.sku, 1)).status_code == 201
        assert stock_of(made) == ledger_of(made) == (5, 1)


class TestAdjustmentsAtOnce:
    def test_all_count(self, at_once):
        made = product(10)
        adjust = partial(stock.adjust_stock, slug=made.slug, reason="r", actor="a")
        at_once(*[partial(adjust, quantity=quantity) for quantity in (5, -1, -2, 3, -4, 1)])
        assert stock_of(made) == ledger_of(made) == (12, 0)

    def test_take_no_more_than_there_is(self, at_once):
        made = product(10)
        take = partial(stock.adjust_stock, slug=made.slug, quantity=-3, reason="r", actor="a")
        results = at_once(*[take] * 8)
        assert Counter(type(result) for result in results) == {type(None): 3, StockShort: 5}
        assert stock_of(made) == ledger_of(made) == (1, 0)


class TestProductsAtOnce:
    def values(self, **changes: Any) -> dict[str, Any]:
        price = Decimal("1.00")
        return {"sku": "A", "name": "Lamp", "price": price, "category": "lighting", **changes}

    def test_of_one_sku_are_made_once(self, at_once, outbox_events):
        category("Lighting")
        results = at_once(*[partial(products.create_product, self.values(), by=None)] * 8)
        assert Counter(type(result) for result in results) == {Product: 1, SkuTaken: 7}
        assert Product.objects.count() == Stock.objects.count() == len(outbox_events()) == 1

    def test_of_one_name_get_slugs_of_their_own(self, at_once):
        category("Lighting")
        made = at_once(
            *[partial(products.create_product, self.values(sku=f"S{n}"), by=None) for n in range(8)]
        )
        assert len({p.slug for p in made}) == 8

    def test_of_one_slug_are_made_once(self, at_once):
        category("Lighting")
        calls = [
            partial(products.create_product, self.values(sku=f"S{n}", slug="lamp"), by=None)
            for n in range(6)
        ]
        results = at_once(*calls)
        assert Counter(type(result) for result in results) == {Product: 1, SlugTaken: 5}

    def test_changed_in_other_fields_keep_both(self, at_once, outbox_events):
        made = product()
        change = partial(products.update_product, slug=made.slug, by=None)
        at_once(
            partial(change, values={"price": Decimal("2.00")}),
            partial(change, values={"name": "New"}),
        )
        now = Product.objects.get()
        assert (now.price, now.name) == (Decimal("2.00"), "New")
        assert len(outbox_events(made.id)) == 3

    def test_changed_by_two_who_read_the_same_are_changed_by_one(self, as_staff, at_once):
        url = f"{PRODUCTS}/{product().slug}"
        etag = {"If-Match": as_staff.get(url)["ETag"]}
        edits = [
            partial(as_staff.patch, url, {"name": f"Name {n}"}, headers=etag) for n in range(4)
        ]
        assert codes(at_once(*edits)) == {200: 1, "precondition-failed": 3}
        assert Product.objects.get().version == 2

    def test_archived_are_told_once(self, at_once, outbox_events):
        made = product()
        at_once(*[partial(products.archive_product, slug=made.slug, by=None)] * 6)
        types = [event.type for event in outbox_events(made.id)]
        assert types == ["product.created", "product.archived"]


class TestCategoriesAtOnce:
    @pytest.mark.parametrize("attempt", range(4))
    def test_moved_below_each_other_make_no_cycle(self, at_once, attempt):
        a, b = category("A"), category("B")
        move = categories.update_category
        results = at_once(
            partial(move, slug="a", values={"parent": "b"}, by=None),
            partial(move, slug="b", values={"parent": "a"}, by=None),
        )
        assert Counter(type(result) for result in results) == {Category: 1, CategoryCycle: 1}
        assert {a.slug, b.slug} == {"a", "b"}

    @pytest.mark.parametrize("attempt", range(6))
    def test_deleted_while_used_are_kept_or_refused(self, at_once, attempt):
        category("Lighting")
        values = {"sku": "A", "name": "L", "price": Decimal(1), "category": "lighting"}
        made, deleted = at_once(
            partial(products.create_product, values, by=None),
            partial(categories.delete_category, slug="lighting", by=None),
        )
        if deleted is None:
            assert isinstance(made, UnknownCategory)
        else:
            assert isinstance(made, Product)
            assert isinstance(deleted, CategoryInUse)

    def test_held_by_a_product_in_the_making_wait_to_be_deleted(self, at_once):
        """The product commits after the delete has looked and found nothing."""
        made = category("Lighting")

        with transaction.atomic():
            assert categories.hold_category("lighting") == made.id
            (result,) = at_once(partial(categories.delete_category, slug="lighting", by=None))
        assert result.__cause__.sqlstate == "55P03"  # waited for the lock, in vain
        assert Category.objects.get() == made

    @pytest.mark.parametrize(
        "change",
        [
            partial(categories.delete_category, slug="lighting", by=None),
            partial(categories.update_category, slug="lighting", values={"name": "New"}, by=None),
        ],
    )
    def test_changed_wait_for_each_other(self, at_once, change):
        """Or one would write back what the other has deleted or moved."""
        category("Lighting")
        with transaction.atomic():
            categories._lock_tree()
            (result,) = at_once(change)
        assert result.__cause__.sqlstate == "55P03"  # waited for the lock, in vain

    def test_of_one_slug_are_made_once(self, at_once):
        results = at_once(*[partial(categories.create_category, {"name": "A"}, by=None)] * 6)
        assert Counter(type(result) for result in results) == {Category: 1, SlugTaken: 5}


class TestSalesAtOnce:
    def test_all_count(self, at_once, deliver):
        made = [product() for _ in range(5)]

        def place(seed: int) -> None:
            dice = random.Random(seed)
            for _ in range(5):
                lines = [{"sku": p.sku, "quantity": 1} for p in dice.sample(made, 5)]
                deliver("order.placed", {"order_id": str(uuid7()), "lines": lines})

        results = at_once(*[partial(place, seed) for seed in range(6)])
        assert results == [None] * 6
        assert list(ProductSales.objects.values_list("units", flat=True)) == [30] * 5
        assert not StockMovement.objects.filter(kind="reserved").exists()
