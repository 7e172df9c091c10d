"""The events of an import are those of the same changes by hand."""

from decimal import Decimal
from typing import Any

import pytest

from apps.catalog_service.models import Product
from apps.catalog_service.services import products
from tests.catalog_service import factories
from tests.catalog_service.importing.running import (
    HEADER,
    ROW,
)

pytestmark = pytest.mark.django_db(transaction=True)


def events_of(rows: list[Any]) -> list[tuple[str, int]]:
    return [(row.type, row.sequence) for row in rows]


class TestEvents:
    def test_tell_of_a_new_product_as_the_api_does(self, csv_file, run, outbox_events):
        factories.product(
            sku="A-1",
            name="Tea pot",
            price=Decimal("19.90"),
            category=factories.category("Kitchen").slug,
        )
        run(csv_file(HEADER + ROW.replace("A-1", "A-2").replace("Tea pot", "Kettle")))
        by_hand, imported = outbox_events()
        differing = {"product_id", "sku", "slug", "name"}
        assert {k: v for k, v in by_hand.data.items() if k not in differing} == {
            k: v for k, v in imported.data.items() if k not in differing
        }
        product = Product.objects.get(sku="A-2")
        assert imported.data | {"product_id": str(product.id), "slug": "kettle"} == imported.data
        assert (imported.type, imported.version, imported.sequence, imported.subject) == (
            *("product.created", 1, 1),
            str(product.id),
        )

    def test_share_the_request_id_of_the_import(self, csv_file, run, outbox_events):
        run(csv_file(f"{HEADER}{ROW}A-2,Lamp,2,Light\n"))
        assert len({row.request_id for row in outbox_events()}) == 1
        assert outbox_events()[0].request_id

    @pytest.mark.parametrize(
        ("row", "expected"),
        [
            ("A-1,Tea pot,20,Kitchen,active", ["price_changed"]),
            ("A-1,Pot,19.90,Kitchen,active", ["updated"]),
            ("A-1,Pot,20,Kitchen,active", ["price_changed", "updated"]),
            ("A-1,Tea pot,19.90,Kitchen,archived", ["archived"]),
            ("A-1,Pot,20,Kitchen,archived", ["price_changed", "archived"]),
            ("A-1,Tea pot,19.90,Kitchen,active", []),
        ],
    )
    def test_tell_of_a_change_as_the_api_does(self, csv_file, run, outbox_events, row, expected):
        run(csv_file(HEADER + ROW))
        names = (*HEADER.strip().split(","), "status")
        run(csv_file(f"{','.join(names)}\n{row}\n"))
        imported = [(e.type, e.sequence) for e in outbox_events()][1:]
        assert imported == [(f"product.{kind}", n) for n, kind in enumerate(expected, start=2)]
        by_hand = factories.product(
            sku="B", name="Tea pot", price=Decimal("19.90"), category="kitchen"
        )
        changes = dict(zip(names, row.split(","), strict=True)) | {"category": "kitchen"}
        changes["price"] = Decimal(str(changes["price"])).quantize(Decimal("0.01"))
        del changes["sku"]
        products.update_product(slug=by_hand.slug, values=changes, by=None)
        assert [(e.type, e.sequence) for e in outbox_events(by_hand.id)][1:] == imported

    def test_carry_the_old_and_the_new_price(self, csv_file, run, outbox_events):
        run(csv_file(HEADER + ROW))
        run(csv_file(HEADER + ROW.replace("19.90", "25")))
        assert outbox_events()[-1].data == {
            "product_id": str(Product.objects.get().id),
            "sku": "A-1",
            "old_price": "19.90",
            "new_price": "25.00",
            "currency": "EUR",
        }
