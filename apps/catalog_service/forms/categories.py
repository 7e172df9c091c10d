"""Forms of categories."""

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.catalog_service.forms.judging import judge
from apps.catalog_service.models import Category
from apps.catalog_service.serializers.categories import CategoryInput
from chassis.admin.theme import Select, TextInput


class CategoryForm(forms.Form):
    """A category, and where it stands in the tree."""

    name = forms.CharField(max_length=100, widget=TextInput)
    slug = forms.CharField(
        max_length=100,
        required=False,
        widget=TextInput,
        help_text="The end of its address; made of the name if left empty",
    )
    parent = forms.ChoiceField(label="Stands below", required=False, widget=Select)

    def __init__(
        self, *args: Any, parents: Sequence[tuple[str, str]], category: Category | None, **kw: Any
    ) -> None:
        """Take the choices of parent, and the category that is changed, if there is one."""
        super().__init__(*args, **kw)
        self.category = category
        self.fields["parent"].choices = [("", "Nothing: at the top"), *parents]  # type: ignore[attr-defined]
        if category is not None:
            self.fields["slug"].required = True
            self.fields["slug"].help_text = "The end of its address; links to the old one break"

    def clean(self) -> dict[str, Any]:
        """Return the values as the services take them."""
        body = super().clean() or {}
        body["parent"] = body.get("parent") or None
        if not body.get("slug"):
            body.pop("slug", None)
        return judge(self, CategoryInput(data=body))
