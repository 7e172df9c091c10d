"""What our pages take of django-unfold, with the types that it is published without."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from unfold import decorators
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.enums import ActionVariant
from unfold.utils import parse_date_str

__all__ = [
    "ActionVariant",
    "CheckboxInput",
    "ChoicesDropdownFilter",
    "DecimalInput",
    "DropdownFilter",
    "EmailInput",
    "FileInput",
    "PasswordInput",
    "RangeDateFilter",
    "RangeNumericFilter",
    "Select",
    "TextFilter",
    "TextInput",
    "Textarea",
    "ThemeAdmin",
    "ThemeChangeList",
    "ThemeSite",
    "action",
    "display",
    "parse_day",
]

if TYPE_CHECKING:
    from django.contrib.admin import (
        AdminSite,
        DateFieldListFilter,
        FieldListFilter,
        ModelAdmin,
        SimpleListFilter,
    )
    from django.contrib.admin.views.main import ChangeList as ThemeChangeList
    from django.forms import (
        CheckboxInput,
        EmailInput,
        FileInput,
        PasswordInput,
        Select,
        Textarea,
        TextInput,
    )
    from django.forms import NumberInput as DecimalInput
    from django.http import HttpRequest, HttpResponse

    class ThemeSite(AdminSite):
        """A site that draws its own side bar."""

        def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
            """Return the sections of the side bar."""
            ...

    class ThemeAdmin(ModelAdmin[Any]):
        """A model's pages, with buttons."""

        actions_detail: Sequence[str]

        def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
            """Return the buttons of one row's page."""
            ...

        def _get_actions_navigation(
            self, provided_actions: Any, allowed_actions: list[Any], object_id: str | None = None
        ) -> list[Any]: ...

        def _get_obj_does_not_exist_redirect(
            self, request: HttpRequest, opts: Any, object_id: str
        ) -> HttpResponse: ...

    class DropdownFilter(SimpleListFilter):
        """A choice."""

    class TextFilter(SimpleListFilter):
        """A line of text."""

    class RangeDateFilter(DateFieldListFilter):
        """Two days."""

        parameter_name: str

    class RangeNumericFilter(FieldListFilter):
        """Two numbers."""

        parameter_name: str

else:
    from unfold.admin import ModelAdmin as ThemeAdmin
    from unfold.contrib.filters.admin import (
        DropdownFilter,
        RangeDateFilter,
        RangeNumericFilter,
        TextFilter,
    )
    from unfold.sites import UnfoldAdminSite as ThemeSite
    from unfold.views import ChangeList as ThemeChangeList
    from unfold.widgets import UnfoldAdminDecimalFieldWidget as DecimalInput
    from unfold.widgets import UnfoldAdminEmailInputWidget as EmailInput
    from unfold.widgets import UnfoldAdminFileFieldWidget as FileInput
    from unfold.widgets import UnfoldAdminPasswordWidget as PasswordInput
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextareaWidget as Textarea
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput
    from unfold.widgets import UnfoldBooleanWidget as CheckboxInput

F = TypeVar("F", bound=Callable[..., Any])


def parse_day(text: str) -> date | None:
    """Return the day that a form of the theme holds, None if it is none."""
    day: date | None = parse_date_str(text)
    return day


def display(**options: Any) -> Callable[[F], F]:
    """Say how a column looks: `description`, `label` with a colour for each value, `header`."""
    decorator: Callable[[F], F] = decorators.display(**options)
    return decorator


def action(**options: Any) -> Callable[[F], F]:
    """Make a method a button's: `description`, `url_path`, `permissions`, `icon`, `variant`."""
    decorator: Callable[[F], F] = decorators.action(**options)
    return decorator
