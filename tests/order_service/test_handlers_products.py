"""What is known of products converges, in whatever order the events come."""

from itertools import permutations
from typing import Any

import pytest

from apps.order_service.models import KnownProduct
from chassis.events import inbox
from chassis.ids import uuid7
from chassis.models import InboxEvent
from tests.conftest import envelope

pytestmark = pytest.mark.django_db

PRODUCT = str(uuid7())
KNOWN = (
    "name",
    "slug",
    "status",
    "price",
    "currency",
    "described_sequence",
    "status_sequence",
    "priced_sequence",
    "changed_at",
)


def event(name: str, sequence: int, /, **data: Any) -> dict[str, Any]:
    return envelope(
        f"product.{name}",
        {"product_id": PRODUCT, "sku": "LAMP", **data},
        PRODUCT,
        sequence=str(sequence),
        time=f"2026-01-01T00:00:{sequence:02}Z",
    )


CREATED = event("created", 1, slug="l", name="Lamp", price="19.90", currency="EUR", status="draft")
STORY = [
    CREATED,
    event("updated", 2, slug="l", name="Desk lamp", status="active"),
    event("price_changed", 3, old_price="19.90", new_price="21.00", currency="EUR"),
    event("archived", 4),
]


def hear(messages: Any) -> dict[str, Any]:
    for message in messages:
        inbox.receive(message)
    known: dict[str, Any] = KnownProduct.objects.values(*KNOWN).get(sku="LAMP")
    KnownProduct.objects.all().delete()
    InboxEvent.objects.all().delete()
    return known


class TestProduct:
    def test_is_remembered(self):
        inbox.receive(CREATED)
        row = InboxEvent.objects.get()
        assert (row.consumer, row.effect) == ("order.remember_product", "product remembered")
        known = KnownProduct.objects.get()
        assert (known.name, known.slug, known.status) == ("Lamp", "l", "draft")
        assert (str(known.price), known.currency) == ("19.90", "EUR")
        assert (known.seen_at, known.available) == (None, None)

    def test_is_as_the_last_events_tell(self):
        known = hear(STORY)
        assert (known["name"], known["status"]) == ("Desk lamp", "archived")
        assert str(known["price"]) == "21.00"

    def test_comes_out_the_same_in_whatever_order_the_events_come(self):
        expected = hear(STORY)
        assert all(hear(order) == expected for order in permutations(STORY))

    @pytest.mark.parametrize("missing", range(4))
    def test_comes_out_the_same_without_any_one_of_them(self, missing):
        story = STORY[:missing] + STORY[missing + 1 :]
        expected = hear(story)
        assert all(hear(order) == expected for order in permutations(story))

    def test_stays_as_it_is_when_an_event_comes_late(self):
        for message in (STORY[1], CREATED):
            inbox.receive(message)
        assert KnownProduct.objects.get().name == "Desk lamp"
        # Its price was news.
        assert str(KnownProduct.objects.get().price) == "19.90"
        inbox.receive(event("updated", 1, slug="l", name="Older", status="draft"))
        effects = InboxEvent.objects.order_by("id").values_list("effect", flat=True)
        assert list(effects) == ["product remembered"] * 2 + ["older than what is known"]

    def test_may_come_with_fields_that_are_not_used_here(self):
        inbox.receive(event("archived", 1, reason="gone"))
        assert InboxEvent.objects.get().dead_at is None
        assert KnownProduct.objects.get().status == "archived"

    def test_may_be_put_on_sale_again(self):
        again = event("updated", 5, slug="l", name="Desk lamp", status="active")
        assert hear([again, *STORY])["status"] == "active"
