"""Changes of a contract, for the tests of what breaks it."""

from collections.abc import Callable
from typing import Any

Change = Callable[[dict[str, Any]], Any]


def put(*path: Any) -> Change:
    """Return a change that puts the last of the path where the others lead."""
    *way, key, value = path

    def change(document: dict[str, Any]) -> None:
        for step in way:
            document = document[step]
        document[key] = value

    return change


def drop(*path: Any) -> Change:
    """Return a change that takes away what the path leads to."""
    *way, key = path

    def change(document: Any) -> None:
        for step in way:
            document = document[step]
        document.remove(key) if isinstance(document, list) else document.pop(key)

    return change
