"""Files that no row names: what is deleted of them, and what never is."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.utils import timezone

from apps.catalog_service.errors import StorageUnavailable
from apps.catalog_service.models import Product, Transfer, TransferKind
from apps.catalog_service.services import orphans, stored_pictures, transfers
from apps.catalog_service.services.images import Picture
from apps.catalog_service.tasks import delete_orphans
from chassis.ids import uuid7
from tests.catalog_service.factories import product

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LATER = NOW + timedelta(days=1, hours=1)


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path, private_files: Path) -> tuple[Path, Path]:
    """Return the folders of the pictures and of the private files."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media", private_files


def upload(product_id: UUID) -> stored_pictures.StoredPicture:
    return stored_pictures.write(product_id, Picture(secrets.token_bytes(4), "png"))


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def keep_private(name: str) -> str:
    return storages["private"].save(name, ContentFile(b"x"))


class TestPictures:
    def test_that_their_product_does_not_show_go_after_a_day(self, folders):
        shown, bare = product(), product()
        kept, left, other = upload(shown.id), upload(shown.id), upload(bare.id)
        Product.objects.filter(id=shown.id).update(image_url=f"{kept.url}?v=2")
        assert orphans.delete_orphans(now=NOW + timedelta(hours=23)) == 0
        assert names(folders[0]) == {kept.name, left.name, other.name}
        assert delete_orphans(LATER) == 2
        assert names(folders[0]) == {kept.name}
        assert delete_orphans(LATER) == 0

    def test_stay_where_they_are_not_ours(self, folders):
        made = product()
        ours = {
            storages["default"].save(name, ContentFile(b"x"))
            for name in ("lamp.svg", f"products/{made.id}/lamp.png", "products/lamps/lamp.png")
        }
        ours.add(upload(uuid7()).name)
        assert orphans.delete_orphans(now=LATER) == 0
        assert names(folders[0]) == ours


class TestTransfers:
    def test_without_a_row_lose_their_files_after_a_day(self, folders):
        known = transfers.start(
            TransferKind.IMPORT_PRODUCTS, by=uuid7(), file=ContentFile(b"x"), file_name="a.csv"
        )
        lost = Transfer(kind=TransferKind.EXPORT_PRODUCTS)
        for file in ("upload", "result-1"):
            keep_private(f"{lost.folder}/{file}")
        kept = {known.stored_name, keep_private("transfers/notes/a.csv"), keep_private("a.csv")}
        assert orphans.delete_orphans(now=NOW + timedelta(hours=23)) == 0
        assert orphans.delete_orphans(now=LATER) == 2
        assert names(folders[1]) == kept
        assert str(lost.pk) not in storages["private"].listdir("transfers")[0]
        assert orphans.delete_orphans(now=LATER) == 0


class TestRun:
    def test_finds_nothing_where_nothing_was_stored(self):
        assert orphans.delete_orphans(now=LATER) == 0

    def test_looks_at_some_folders_and_the_next_hours_at_the_others(self, folders, monkeypatch):
        monkeypatch.setattr(orphans, "MOST_FOLDERS", 2)
        for _ in range(5):
            keep_private(f"{Transfer().folder}/upload")
        assert orphans.delete_orphans(now=LATER) == 2
        kept = names(folders[1])
        monkeypatch.setattr(FileSystemStorage, "delete", lambda *_: None)
        looked_at = [
            set(orphans._some_folders(storages["private"], "transfers", LATER + hour))
            for hour in (timedelta(hours=number) for number in range(2))
        ]
        assert [len(ids) for ids in looked_at] == [2, 2]
        assert {str(one) for one in set.union(*looked_at)} == {
            Path(name).parent.name for name in kept
        }

    def test_says_that_the_storage_is_away(self, monkeypatch):
        def fail(*_: Any) -> None:
            raise PermissionError("disk")

        monkeypatch.setattr(FileSystemStorage, "listdir", fail)
        with pytest.raises(StorageUnavailable):
            orphans.delete_orphans(now=LATER)
