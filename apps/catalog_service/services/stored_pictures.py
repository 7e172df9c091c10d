"""Uploaded pictures in the storage: each upload is a file of its own, found again by its URL."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Final
from uuid import UUID

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import transaction

from apps.catalog_service.errors import StorageUnavailable
from apps.catalog_service.services.images import Picture

# The picture's digest, and what tells this upload from another of the same picture.
_NAME: Final = re.compile(r"([0-9a-f]{32})-[0-9a-f]{16}\.(?:png|jpg|webp|gif)")
# Of a URL that may be none: what is stored was hardly looked at.
_BEHIND_THE_PATH: Final = re.compile(r"[?#]")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A file in the storage, and where it is seen."""

    name: str
    url: str


def write(product_id: UUID, picture: Picture) -> StoredPicture:
    """Write the picture to a file that no other upload shares. Not inside a transaction.

    Raises:
        StorageUnavailable: it could not be written.
    """
    digest = _digest(picture.content)
    name = f"{_folder(product_id)}{digest}-{secrets.token_hex(8)}.{picture.suffix}"
    with translated():
        name = storages["default"].save(name, ContentFile(picture.content))
        return StoredPicture(name, storages["default"].url(name))


def holds(product_id: UUID, url: str, picture: Picture) -> bool:
    """Tell whether the URL is of an upload of this picture, and its file is still there.

    Raises:
        StorageUnavailable: the storage does not say.
    """
    name = name_of(product_id, url)
    if name is None or _digest(picture.content) not in name:
        return False
    with translated():
        return bool(storages["default"].exists(name))


def remove(name: str) -> None:
    """Take a file away. Idempotent; one that the storage does not give up stays, and is logged."""
    try:
        with translated():
            storages["default"].delete(name)
    except StorageUnavailable as error:
        log.warning("picture_left_behind", name=name, error=str(error.__cause__))


def remove_replaced_on_commit(product_id: UUID, *, old_url: str, new_url: str) -> None:
    """Take the product's former picture away once the transaction has committed, if it was uploaded.

    It stays where the new URL is another one of the same file: at another host, say.
    """
    name = name_of(product_id, old_url)
    if name and name != name_of(product_id, new_url):
        transaction.on_commit(partial(remove, name))


def is_upload(name: str) -> bool:
    """Tell whether a file is called as an upload is."""
    return _NAME.fullmatch(name.rpartition("/")[2]) is not None


def name_of(product_id: UUID, url: str) -> str | None:
    """Return the file that the URL may be of, at whatever host; None where it is of no upload.

    It is looked for among the product's own, whatever the URL says before its last part: staff may
    give a product any URL, that of another product's upload too.
    """
    file = _BEHIND_THE_PATH.split(url, maxsplit=1)[0].rpartition("/")[2]
    return f"{_folder(product_id)}{file}" if is_upload(file) else None


@contextmanager
def translated() -> Iterator[None]:
    """Say in our own words that the storage does not answer.

    Raises:
        StorageUnavailable: so it is.
    """
    try:
        yield
    except (OSError, BotoCoreError, ClientError) as error:
        raise StorageUnavailable(retry_after_seconds=1) from error


def _folder(product_id: UUID) -> str:
    return f"products/{product_id}/"


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()
