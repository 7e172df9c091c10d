"""The admin site of a service: who may enter, what stands in the side bar, the overview."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, TypeVar, cast

from django.contrib.admin.options import ModelAdmin
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from chassis.admin.dashboard import Dashboard
from chassis.admin.signon import LOG_OUT_PATH
from chassis.admin.theme import ThemeSite

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

_NOT_OURS = {
    "login",
    "logout",
    "password_change",
    "password_change_done",
    "view_on_site",
    "autocomplete",
    "search",
}
"""Django's and the theme's own pages that no admin of ours has."""


@dataclass(frozen=True, slots=True)
class Page:
    """A line of the side bar: the list of a model."""

    section: str
    icon: str
    model: type[Model]


class ServiceAdminSite(ThemeSite):
    """The admin of one service. Whoever is asked for here has passed single sign-on."""

    enable_nav_sidebar = True
    index_template = "souk/dashboard.html"

    def __init__(self, *, dashboard: Callable[[], Dashboard]) -> None:
        """Make an empty site.

        Args:
            dashboard: returns what the overview shows.
        """
        super().__init__()
        self._dashboard = dashboard
        self._pages: list[Page] = []
        self.index_title = "Overview"

    def add_page(
        self,
        model: type[Model],
        model_admin: "type[ModelAdmin[Any]]",
        *,
        section: str,
        icon: str,
    ) -> None:
        """Open the pages of a model, with a line in the side bar; lines stand as they were added."""
        self.register(model, model_admin)
        self._pages.append(Page(section, icon, model))

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may see any page."""
        return bool(getattr(request.user, "is_staff", False))

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002 -- Django's
        """Wrap a view of the site: staff only; Django's own wrapper would send others to a log-in page."""

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not self.has_permission(request):
                raise PermissionDenied
            if _holds_nul(request):
                raise BadRequest
            return view(request, *args, **kwargs)

        wrapped = inner if cacheable else never_cache(inner)
        return cast("View", update_wrapper(csrf_protect(wrapped), view))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the routes, without the pages of passwords that a service does not keep."""
        return [url for url in super().get_urls() if getattr(url, "name", None) not in _NOT_OURS]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every page of the site shows."""
        return {**super().each_context(request), "log_out_path": LOG_OUT_PATH}

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return the side bar: the overview, and the sections of pages."""
        home = reverse("admin:index")
        overview = _line("Overview", "space_dashboard", home, active=request.path == home)
        sections: dict[str, list[dict[str, Any]]] = {}
        for page in self._pages:
            options = page.model._meta  # noqa: SLF001 -- public but for its name
            link = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
            # The model's own words, as over its pages.
            title = capfirst(str(options.verbose_name_plural))
            line = _line(title, page.icon, link, active=request.path.startswith(link))
            sections.setdefault(page.section, []).append(line)
        return [
            {"title": "", "items": [overview]},
            *({"title": title, "items": lines} for title, lines in sections.items()),
        ]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show the overview."""
        return super().index(request, {"dashboard": self._dashboard(), **(extra_context or {})})

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show the overview: a service is one app."""
        return self.index(request, extra_context)


def _holds_nul(request: HttpRequest) -> bool:
    """Tell whether a path or parameter holds a character that PostgreSQL's text cannot."""
    values = [value for _, values in request.GET.lists() for value in values]
    return any("\0" in text for text in (request.path, *values))


def _line(title: str, icon: str, link: str, *, active: bool) -> dict[str, Any]:
    """Return a line of the side bar as the theme's template takes it."""
    return {"title": title, "icon": icon, "link": link, "active": active, "has_permission": True}
