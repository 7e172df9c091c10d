"""The tree of categories."""

from typing import Any
from uuid import UUID

from apps.catalog_service.models import Category
from chassis.errors import NotFound


def category_tree() -> list[dict[str, Any]]:
    """Return the top categories, each with its `children`; one query."""
    categories = list(Category.objects.order_by("name"))
    nodes: dict[UUID, dict[str, Any]] = {
        category.id: {"slug": category.slug, "name": category.name, "children": []}
        for category in categories
    }
    top: list[dict[str, Any]] = []
    for category in categories:
        above = nodes[category.parent_id]["children"] if category.parent_id else top
        above.append(nodes[category.id])
    return top


def find_category(**key: Any) -> dict[str, Any]:
    """Return {slug, name, parent, children} of the category that has the key, a slug or an id.

    Raises:
        NotFound: there is no such category.
    """
    category = Category.objects.select_related("parent").filter(**key).first()
    if category is None:
        raise NotFound("There is no such category")
    children = category.children.order_by("name").values("slug", "name")
    return {
        "slug": category.slug,
        "name": category.name,
        "parent": category.parent.slug if category.parent else None,
        "children": list(children),
    }
