"""What `migrate` and `check --database default` look at."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register

from apps.catalog_service.services import search


@register(Tags.database)
def check_search_language(
    *, databases: Sequence[str] | None = None, **_kwargs: Any
) -> list[CheckMessage]:
    """Warn where products are indexed for another language than SEARCH_LANGUAGE."""
    if not databases:
        return []
    indexed = search.indexed_language()
    if indexed in (None, settings.SEARCH_LANGUAGE):
        return []
    return [
        checks.Warning(
            f"The index of search is {indexed}, and SEARCH_LANGUAGE is {settings.SEARCH_LANGUAGE}.",
            hint="Run manage.py catalog reindex_search.",
            id="catalog.W001",
        )
    ]
