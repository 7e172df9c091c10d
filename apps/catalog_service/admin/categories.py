"""Categories: a tree on one page, kept by the same services as the API's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apps.catalog_service.admin.links import list_url
from apps.catalog_service.errors import (
    CategoryCycle,
    CategoryTooDeep,
    SlugTaken,
    UnknownCategory,
)
from apps.catalog_service.forms.categories import CategoryForm
from apps.catalog_service.models import Category
from apps.catalog_service.selectors import categories as selectors
from apps.catalog_service.services import categories
from chassis.admin.asking import Question
from chassis.admin.options import ServiceModelAdmin, actor_id
from chassis.errors import PublicError

_INDENT: Final = "\xa0\xa0\xa0\xa0"
_FIELDS: Final[Mapping[type[PublicError], str]] = {
    SlugTaken: "slug",
    UnknownCategory: "parent",
    CategoryCycle: "parent",
    CategoryTooDeep: "parent",
}
"""Beside which field a refusal is shown."""


@dataclass(frozen=True, slots=True)
class Node:
    """A category of the tree, `depth` steps below the top."""

    slug: str
    name: str
    depth: int
    children: int

    @property
    def levels(self) -> range:
        """Return one for each step, for a page to indent by."""
        return range(self.depth)


def tree() -> Iterator[Node]:
    """Yield the categories as they stand in the tree, from the top down; one query."""
    # Not by recursion: a list of what is still to be told, the first of it last.
    waiting = [(0, node) for node in reversed(selectors.category_tree())]
    while waiting:
        depth, node = waiting.pop()
        yield Node(node["slug"], node["name"], depth, len(node["children"]))
        waiting += [(depth + 1, child) for child in reversed(node["children"])]


def category_choices() -> list[tuple[str, str]]:
    """Return slugs and names to choose from, indented as the tree is."""
    return [(node.slug, f"{_INDENT * node.depth}{node.name}") for node in tree()]


class CategoryAdmin(ServiceModelAdmin):
    """The tree, and a form for each of its categories."""

    audit_type = "category"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the tree."""
        ids = dict(Category.objects.values_list("slug", "pk"))
        rows = [(node, ids[node.slug]) for node in tree() if node.slug in ids]
        return self.page(
            request,
            "catalog/admin/categories.html",
            title="Categories",
            rows=rows,
            has_add_permission=True,
        )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Take a new category."""
        form = CategoryForm(
            request.POST or None,
            parents=category_choices(),
            category=None,
            initial={"parent": request.GET.get("parent", "")},
        )

        def save(values: dict[str, Any]) -> str:
            made = categories.create_category(values, by=actor_id(request))
            return f"{made.name} is added."

        if request.method == "POST" and self.submitted(request, form, save, fields=_FIELDS):
            return HttpResponseRedirect(list_url("category"))
        return self.page(
            request,
            "souk/form.html",
            title="Add category",
            form=form,
            button="Add",
            back=list_url("category"),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Take another name, slug or place."""
        category: Category = self.object_or_404(request, object_id)
        parent = category.parent.slug if category.parent else ""
        form = CategoryForm(
            request.POST or None,
            parents=category_choices(),
            category=category,
            initial={"name": category.name, "slug": category.slug, "parent": parent},
        )

        def save(values: dict[str, Any]) -> str:
            changed = categories.update_category(
                slug=category.slug, values=values, by=actor_id(request)
            )
            return f"{changed.name} is saved."

        if request.method == "POST" and self.submitted(request, form, save, fields=_FIELDS):
            return HttpResponseRedirect(list_url("category"))
        return self.row_page(
            request,
            category,
            "catalog/admin/category.html",
            title="Change category",
            form=form,
            button="Save",
            back=list_url("category"),
        )

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Take a category away that holds nothing."""
        category: Category = self.object_or_404(request, object_id)
        question = Question(
            title="Delete category",
            text="It goes for good. One that still has products or sub-categories stays.",
            button="Delete",
            danger=True,
        )

        def act(_: str) -> str:
            categories.delete_category(slug=category.slug, by=actor_id(request))
            return f"{category.name} is deleted."

        return self.confirmed(request, category, question, act, back=list_url("category"))
