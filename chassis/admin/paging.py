"""Pages of a list whose table may be of any size."""

from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from chassis.admin.theme import ThemeChangeList

MOST_ROWS = 5000
"""A list ends here; what lies behind is found by filters and search."""


def among_latest(rows: QuerySet[Any], most: int) -> QuerySet[Any]:
    """Return the rows that are among the latest of their table by primary key; one query.

    For what few rows have and no index knows of: the table may grow, and what is read does not.
    """
    table = rows.model._default_manager.order_by("-pk")  # noqa: SLF001 -- public but for its name
    oldest = table.values_list("pk", flat=True)[most : most + 1].first()
    return rows if oldest is None else rows.filter(pk__gt=oldest)


class BoundedPaginator(Paginator):  # type: ignore[type-arg] # generic in the stubs alone
    """Counts no further than MOST_ROWS, so that neither a count nor a late page reads the whole table."""

    template_name = "souk/pagination.html"

    @cached_property
    def count(self) -> int:
        """Return the number of rows, MOST_ROWS at most."""
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by().values("pk")[:MOST_ROWS].count()

    @property
    def is_cut(self) -> bool:
        """Tell whether there may be more rows than are listed."""
        return self.count >= MOST_ROWS


class BoundedChangeList(ThemeChangeList):
    """Keeps the order that an index has, and counts no whole table."""

    def get_ordering_field(self, field_name: Any) -> Any:
        """Return that no column can be sorted by: Django would sort by any that is asked for."""
        return None

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page; say how many rows were found only where something was looked for."""
        super().get_results(request)
        if not self.has_active_filters and not self.query:
            self.full_result_count: Any = self.result_count
