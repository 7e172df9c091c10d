"""Prices: their history, and many changed at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.catalog_service.domain.pricing import HIGHEST, PriceRule
from apps.catalog_service.errors import PriceTooHigh
from apps.catalog_service.models import PriceChange, Product
from apps.catalog_service.selectors import prices as selectors
from apps.catalog_service.services import prices, products
from chassis.ids import uuid7
from chassis.models import AuditEntry
from tests.catalog_service.factories import PRODUCTS, category, product, product_body
from tests.catalog_service.importing.running import someone_waits, wait_until
from tests.catalog_service.problems import problem_of

DOUBLE = PriceRule(kind="percent", value=Decimal(100))
STAFF = uuid7()


def reprice(ids: list[UUID]) -> prices.Repriced:
    try:
        return prices.reprice(product_ids=ids, change=DOUBLE, by=STAFF)
    finally:
        connection.close()


def history(made: Product) -> list[tuple[str, str]]:
    changes = PriceChange.objects.filter(product=made).order_by("id")
    return [(str(change.price), change.actor) for change in changes]


def price_of(made: Product) -> str:
    return str(Product.objects.get(id=made.id).price)


@pytest.mark.django_db
class TestHistory:
    def test_begins_with_the_first_price_and_notes_each_other_one(self, as_staff):
        category()
        made = as_staff.post(PRODUCTS, product_body(price="5")).json()
        url = f"{PRODUCTS}/{made['slug']}"
        for change in ({"price": "6.00"}, {"price": "6"}, {"name": "New"}, {"price": "5.50"}):
            assert as_staff.patch(url, change).status_code == 200
        actor = f"user:{as_staff.user_id}"
        assert history(Product.objects.get()) == [(p, actor) for p in ("5.00", "6.00", "5.50")]

    def test_is_listed_for_staff_the_newest_first(self, as_staff):
        made = product(price=Decimal("9.00"))
        url = f"{PRODUCTS}/{made.slug}"
        as_staff.patch(url, {"price": "8.00"})
        answer = as_staff.get(f"{url}/prices?limit=1").json()
        (newest,) = answer["results"]
        assert newest.pop("at").endswith("Z")
        actor = f"user:{as_staff.user_id}"
        assert newest == {"price": "8.00", "currency": "EUR", "actor": actor}
        assert (answer["previous"], answer["lowest_price_30d"]) == (None, "8.00")
        older = as_staff.get(answer["next"]).json()
        assert [(row["price"], row["actor"]) for row in older["results"]] == [("9.00", "system")]
        assert older["next"] is None

    def test_takes_no_cursor_of_another_products(self, as_staff):
        made, other = product(), product()
        as_staff.patch(f"{PRODUCTS}/{made.slug}", {"price": "8.00"})
        page = as_staff.get(f"{PRODUCTS}/{made.slug}/prices?limit=1").json()
        moved = page["next"].replace(f"/{made.slug}/", f"/{other.slug}/")
        problem_of(as_staff.get(moved), 400, "validation-failed")

    def test_is_not_for_others(self, api, as_customer, as_staff):
        url = f"{PRODUCTS}/{product().slug}/prices"
        problem_of(api.get(url), 401, "authentication-required")
        problem_of(as_customer.get(url), 403, "permission-denied")
        problem_of(as_staff.get(f"{PRODUCTS}/none/prices"), 404, "not-found")
        problem_of(as_staff.get(f"{url}?limit=0"), 400, "validation-failed")


@pytest.mark.django_db
class TestLowestPrice:
    @pytest.mark.parametrize(
        ("days_ago", "lowest"),
        [
            # What was asked for until within the last 30 days counts, what ended before does not.
            ([(60, "1.00"), (40, "5.00"), (20, "7.00"), (10, "6.00")], "5.00"),
            ([(60, "1.00"), (31, "7.00")], "7.00"),
            ([(60, "1.00"), (29, "7.00")], "1.00"),
            ([(29, "7.00"), (3, "2.00"), (1, "9.00")], "2.00"),
            ([], None),
        ],
    )
    def test_is_of_any_moment_of_thirty_days(self, days_ago, lowest):
        made = product()
        PriceChange.objects.all().delete()
        now = timezone.now()
        for days, price in days_ago:
            PriceChange.objects.create(
                product=made,
                price=Decimal(price),
                currency="EUR",
                actor="test",
                at=now - timedelta(days=days),
            )
        found = selectors.lowest_price(made.id, now=now)
        assert (str(found) if found is not None else None) == lowest


@pytest.mark.django_db
class TestPreview:
    def test_tells_both_prices_and_changes_nothing(self, django_assert_num_queries):
        b = product(sku="B", price=Decimal("3.00"))
        a = product(sku="A", price=Decimal("1.50"), name="Lamp")
        with django_assert_num_queries(1):
            rows = prices.preview([b.id, a.id, uuid7()], DOUBLE)
        assert [(row.sku, str(row.old), str(row.new)) for row in rows] == [
            ("A", "1.50", "3.00"),
            ("B", "3.00", "6.00"),
        ]
        assert (rows[0].product_id, rows[0].name) == (a.id, "Lamp")
        assert price_of(a) == "1.50"


@pytest.mark.django_db
class TestReprice:
    def test_changes_notes_and_tells_those_that_differ(self, outbox_events):
        cheap = product(price=Decimal("1.00"))
        free = product(price=Decimal(0))
        other = product(price=Decimal("1.00"))
        done = prices.reprice(product_ids=[free.id, cheap.id], change=DOUBLE, by=STAFF)
        assert (done.changed, done.skipped) == (1, ())
        assert [price_of(made) for made in (cheap, free, other)] == ["2.00", "0.00", "1.00"]
        now = Product.objects.get(id=cheap.id)
        assert (now.version, now.updated_at > cheap.updated_at) == (2, True)
        assert Product.objects.get(id=free.id).version == 1
        assert history(cheap) == [("1.00", "system"), ("2.00", f"user:{STAFF}")]
        assert len(history(free)) == 1
        (event,) = (e for e in outbox_events() if e.type == "product.price_changed")
        assert event.subject == str(cheap.id)
        assert event.data == {
            "product_id": str(cheap.id),
            "sku": cheap.sku,
            "old_price": "1.00",
            "new_price": "2.00",
            "currency": "EUR",
        }

    def test_is_in_the_audit_log_once(self):
        made = [product(sku=sku) for sku in "AB"]
        ids = [p.id for p in made]
        prices.reprice(product_ids=ids, change=DOUBLE, by=STAFF)
        prices.reprice(product_ids=ids, change=PriceRule(kind="amount", value=Decimal(0)), by=STAFF)
        prices.reprice(product_ids=ids, change=DOUBLE, by=None)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id) == ("prices.changed", STAFF)
        assert entry.details == {
            "kind": "percent",
            "value": "100",
            "rounding": "0.01",
            "ending": "0",
            "changed": 2,
            "skipped": 0,
            "skus": ["A", "B"],
        }

    def test_leaves_what_costs_something_else_by_now(self):
        a, b = (product(sku=sku, price=Decimal("1.00")) for sku in "AB")
        expected = {row.product_id: row.old for row in prices.preview([a.id, b.id], DOUBLE)}
        products.update_product(slug=b.slug, values={"price": Decimal("5.00")}, by=None)
        done = prices.reprice(product_ids=[a.id, b.id], change=DOUBLE, by=STAFF, expected=expected)
        assert done.changed == 1
        assert [(row.sku, str(row.old)) for row in done.skipped] == [("B", "5.00")]
        assert (price_of(a), price_of(b)) == ("2.00", "5.00")
        again = prices.reprice(product_ids=[a.id, b.id], change=DOUBLE, by=STAFF, expected=expected)
        assert (again.changed, len(again.skipped)) == (0, 2)

    def test_refuses_a_price_that_nothing_can_have(self):
        a = product(sku="A", price=Decimal("1.00"))
        dear = product(sku="B", price=HIGHEST)
        for attempt in (
            partial(prices.preview, [a.id, dear.id], DOUBLE),
            partial(prices.reprice, product_ids=[a.id, dear.id], change=DOUBLE, by=STAFF),
        ):
            with pytest.raises(PriceTooHigh, match=r"B would cost 19999999999\.98"):
                attempt()
        assert price_of(a) == "1.00"

    def test_costs_as_many_statements_for_one_as_for_many(self, django_assert_num_queries):
        made = [product() for _ in range(5)]
        for ids in ([made[0].id], [p.id for p in made]):
            with django_assert_num_queries(6):  # two of them are the savepoint
                prices.reprice(product_ids=ids, change=DOUBLE, by=None)


@pytest.mark.django_db(transaction=True)
class TestRepricesAtOnce:
    def test_lock_in_the_order_of_skus(self):
        """As imports do: in any other order the two would wait for each other in a circle."""
        b, a = product(sku="B"), product(sku="A")
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                products.lock_product(sku="A")
                repriced = pool.submit(reprice, [b.id, a.id])
                wait_until(someone_waits)
                assert Product.objects.select_for_update(nowait=True).get(sku="B") == b
            assert repriced.result().changed == 2

    def test_all_count(self, at_once):
        made = [product(price=Decimal("1.00")) for _ in range(6)]
        ids = [p.id for p in made]
        one: Any = PriceRule(kind="amount", value=Decimal(1))
        orders = [ids, ids[::-1], ids[3:] + ids[:3], ids]
        results = at_once(
            *[partial(prices.reprice, product_ids=o, change=one, by=STAFF) for o in orders]
        )
        assert [result.changed for result in results] == [6] * 4
        assert {price_of(p) for p in made} == {"5.00"}
        assert [price for price, _ in history(made[0])] == [f"{n}.00" for n in range(1, 6)]
