"""What an import leaves in the history of prices, and what follows a change beside it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.catalog_service.models import PriceChange, Product, SearchWord
from apps.catalog_service.services import pictures
from chassis.models import AuditEntry
from tests.catalog_service.importing.running import HEADER, ROW
from tests.catalog_service.test_pictures import files, picture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


def history() -> list[tuple[str, Decimal, str]]:
    changes = PriceChange.objects.order_by("id")
    return list(changes.values_list("product__sku", "price", "actor"))


class TestHistory:
    def test_has_each_new_and_each_other_price(self, csv_file, run):
        run(csv_file(f"{HEADER}{ROW}A-2,Lamp,2,Light\n"))
        run(csv_file(f"{HEADER}{ROW.replace('Tea pot', 'Pot')}A-2,Lamp,3,Light\n"))
        assert [(sku, str(price), actor) for sku, price, actor in history()] == [
            ("A-1", "19.90", "import_products"),
            ("A-2", "2.00", "import_products"),
            ("A-2", "3.00", "import_products"),
        ]
        assert set(Product.objects.values_list("sku", "version")) == {("A-1", 2), ("A-2", 2)}
        assert not AuditEntry.objects.exists()

    def test_and_version_stay_where_nothing_differs(self, csv_file, run):
        for _ in range(2):
            run(csv_file(HEADER + ROW))
        assert len(history()) == 1
        assert Product.objects.get().version == 1


class TestSearch:
    def test_learns_the_words_of_new_and_changed_products(self, csv_file, run):
        run(csv_file(HEADER + ROW))
        run(csv_file(HEADER + ROW.replace("Tea pot", "Samovar")))
        words = set(SearchWord.objects.values_list("word", flat=True))
        assert {"tea", "pot", "samovar"} <= words


class TestPicture:
    def test_that_was_uploaded_goes_with_the_url(self, csv_file, run, media):
        run(csv_file(HEADER + ROW))
        pictures.store(slug="tea-pot", content=picture(), by=None)
        own = Product.objects.get().image_url
        header = HEADER.replace("\n", ",image_url\n")
        elsewhere = f"https://cdn.example{own}"
        for url, left in ((own, 1), (elsewhere, 1), ("https://cdn.example/a.png", 0)):
            run(csv_file(header + ROW.replace("\n", f",{url}\n")), "--dry-run")
            assert len(files(media)) == 1
            run(csv_file(header + ROW.replace("\n", f",{url}\n")))
            assert len(files(media)) == left
