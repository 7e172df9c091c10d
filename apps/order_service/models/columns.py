"""What several tables have in common."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from django.db import models


def values(statuses: Iterable[StrEnum]) -> list[str]:
    """Return the plain texts: migrations keep these and depend on no code."""
    return [status.value for status in statuses]


def money(*, null: bool = False) -> "models.DecimalField[Any, Any]":
    """Return a column that holds 100 lines of 9,999 pieces at any price of the catalog."""
    return models.DecimalField(max_digits=20, decimal_places=2, null=null)
