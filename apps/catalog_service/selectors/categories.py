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
    """Return {slug, name, parent, ancestors, children} of the category that has the key, a slug or an id.

    Ancestors stand in the order from the top down. Three queries, however many there are.

    Raises:
        NotFound: there is no such category.
    """
    category = Category.objects.filter(**key).first()
    if category is None:
        raise NotFound("There is no such category")
    briefs = Category.objects.values("slug", "name")
    above = briefs.filter(path__ancestors=category.path).exclude(id=category.id)
    ancestors = list(above.order_by("path"))
    return {
        "slug": category.slug,
        "name": category.name,
        "parent": ancestors[-1]["slug"] if ancestors else None,
        "ancestors": ancestors,
        "children": list(briefs.filter(parent=category).order_by("name")),
    }


def path_of(slug: str) -> str | None:
    """Return where in the tree a category stands, as the text of an ltree; None where there is none."""
    path = Category.objects.filter(slug=slug).values_list("path", flat=True).first()
    return None if path is None else str(path)
