"""Files that no row names: left where a process died between a file and its row (ADR 0024, ADR 0026)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.core.files.storage import Storage, storages

from apps.catalog_service.models import Product, Transfer
from apps.catalog_service.services import stored_pictures

YOUNG: Final = timedelta(days=1)
"""A younger file may have its row in a moment."""
MOST_FOLDERS: Final = 500
"""Looked at in one run, of each kind: each is a request where there is a bucket."""

_RUN_SECONDS: Final = 3600
_PICTURES: Final = "products"
_TRANSFERS: Final = "transfers"

log = structlog.get_logger()


def delete_orphans(*, now: datetime) -> int:
    """Delete files of pictures and transfers that no row names, and are not YOUNG; return how many.

    Idempotent. A run looks at MOST_FOLDERS of each kind, the next hour's run at those behind them.

    Raises:
        StorageUnavailable: a storage does not answer; some may be deleted.
    """
    with stored_pictures.translated():
        return _delete_pictures(now) + _delete_transfers(now)


def _delete_pictures(now: datetime) -> int:
    """Delete uploads that their product does not show.

    A folder of no product is left alone: products are never deleted, so it is not this shop's.
    """
    storage = storages["default"]
    ids = _some_folders(storage, _PICTURES, now)
    shown = list(Product.objects.filter(id__in=ids).values_list("id", "image_url"))
    return sum(
        _delete(storage, name, now)
        for product_id, url in shown
        for name in _files(storage, f"{_PICTURES}/{product_id}")
        if stored_pictures.is_upload(name) and name != stored_pictures.name_of(product_id, url)
    )


def _delete_transfers(now: datetime) -> int:
    """Delete files of transfers that are not there; a transfer's own go with it, in a month."""
    storage = storages["private"]
    ids = _some_folders(storage, _TRANSFERS, now)
    known = set(Transfer.objects.filter(pk__in=ids).values_list("pk", flat=True))
    deleted = 0
    for transfer in (Transfer(pk=pk) for pk in ids if pk not in known):
        names = list(_files(storage, transfer.folder))
        done = sum(_delete(storage, name, now) for name in names)
        if names and done == len(names):
            storage.delete(transfer.folder)
        deleted += done
    return deleted


def _some_folders(storage: Storage, parent: str, now: datetime) -> list[UUID]:
    """Return the ids that folders are called by: as many as one run looks at, others each hour."""
    ids = sorted(filter(None, map(_as_id, _listed(storage, parent)[0])))
    start = int(now.timestamp()) // _RUN_SECONDS * MOST_FOLDERS % max(len(ids), 1)
    return (ids[start:] + ids[:start])[:MOST_FOLDERS]


def _files(storage: Storage, folder: str) -> Iterator[str]:
    return (f"{folder}/{name}" for name in _listed(storage, folder)[1])


def _listed(storage: Storage, folder: str) -> tuple[list[str], list[str]]:
    """Return the folders and files in a folder; none where there is no such folder."""
    try:
        return storage.listdir(folder)
    except FileNotFoundError:
        return [], []


def _as_id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _delete(storage: Storage, name: str, now: datetime) -> bool:
    """Delete a file unless it is young; tell whether it is gone."""
    try:
        if storage.get_modified_time(name) > now - YOUNG:
            return False
    except FileNotFoundError:
        return True
    storage.delete(name)
    log.info("orphan_deleted", name=name)
    return True
