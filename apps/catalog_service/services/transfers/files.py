"""The files of transfers in the private storage."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import storages

from apps.catalog_service.errors import StorageUnavailable


def keep(name: str, content: Any) -> str:
    """Write a file; return the name that it got.

    Raises:
        StorageUnavailable: it could not be written.
    """
    with _translated():
        return storages["private"].save(name, content)


def open_file(name: str) -> Any:
    """Open a file to be read; whoever asked closes it.

    Raises:
        FileNotFoundError: there is none.
        StorageUnavailable: the storage does not say.
    """
    with _translated():
        return storages["private"].open(name)


def fetch(name: str, path: Path) -> Path:
    """Copy a file to this machine; return where it is.

    Raises:
        FileNotFoundError: there is none.
        StorageUnavailable: the storage does not give it.
    """
    with _translated(), storages["private"].open(name) as stored, path.open("wb") as file:
        shutil.copyfileobj(stored, file)
    return path


def delete(name: str) -> None:
    """Delete a file. Idempotent.

    Raises:
        StorageUnavailable: it may be there still.
    """
    with _translated():
        storages["private"].delete(name)


def delete_folder(folder: str) -> None:
    """Delete a folder and the files in it. Idempotent.

    Raises:
        StorageUnavailable: some may be there still.
    """
    with _translated(), contextlib.suppress(FileNotFoundError):
        for name in storages["private"].listdir(folder)[1]:
            storages["private"].delete(f"{folder}/{name}")
    delete(folder)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, BotoCoreError, ClientError) as error:
        raise StorageUnavailable(
            "The storage of files does not answer: try again", retry_after_seconds=1
        ) from error
