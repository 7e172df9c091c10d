"""Categories: a tree that staff keep."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils.text import slugify

from apps.catalog_service.errors import CategoryCycle, CategoryInUse, SlugTaken, UnknownCategory
from apps.catalog_service.models import Category
from chassis.errors import NotFound

_TREE_LOCK: Final = 0x54_52_45_45

# Until the transaction ends, the category can be changed by others but not deleted.
_HOLD: Final = "SELECT id FROM category WHERE slug = %s FOR KEY SHARE"


def create_category(values: Mapping[str, Any]) -> Category:
    """Make a category; without a slug its name gives one.

    Args:
        values: name, slug and parent (a slug, or None for the top).

    Raises:
        UnknownCategory: the parent does not exist.
        SlugTaken: another category has the slug.
    """
    with transaction.atomic(durable=True):
        category = Category(
            name=values["name"],
            slug=values.get("slug") or slugify(values["name"])[:100] or "category",
            parent_id=_parent_id(values.get("parent")),
        )
        _save(category, force_insert=True)
    return category


def update_category(*, slug: str, values: Mapping[str, Any]) -> Category:
    """Change a category's name, slug or parent.

    Raises:
        NotFound, UnknownCategory, SlugTaken: by what is wrong.
        CategoryCycle: the new parent stands below it.
    """
    with transaction.atomic(durable=True):
        _lock_tree()
        category = _find(slug)
        category.name = values.get("name", category.name)
        category.slug = values.get("slug", category.slug)
        if "parent" in values:
            category.parent_id = _parent_id(values["parent"])
            _require_no_cycle(category)
        _save(category, force_update=True)
    return category


def delete_category(*, slug: str) -> None:
    """Take away a category that holds nothing.

    Raises:
        NotFound: there is no such category.
        CategoryInUse: it has products or sub-categories.
    """
    try:
        with transaction.atomic(durable=True):
            _lock_tree()
            _find(slug).delete()
    except (ProtectedError, IntegrityError) as error:
        raise CategoryInUse(f"{slug} has products or sub-categories") from error


def _lock_tree() -> None:
    """Let changes happen one after the other: two moves at once could make a cycle together."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TREE_LOCK])


def _find(slug: str) -> Category:
    category = Category.objects.filter(slug=slug).first()
    if category is None:
        raise NotFound("There is no such category")
    return category


def hold_category(slug: str) -> UUID:
    """Return a category's id, and keep it from being deleted until the transaction ends.

    Needs a transaction: what it writes may then refer to the category.

    Raises:
        UnknownCategory: there is no such category.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [slug])
        row = cursor.fetchone()
    if row is None:
        raise UnknownCategory(f"There is no category {slug}")
    return UUID(str(row[0]))


def _parent_id(slug: str | None) -> UUID | None:
    return None if slug is None else hold_category(slug)


def _require_no_cycle(category: Category) -> None:
    above = category.parent
    while above is not None:
        if above.pk == category.pk:
            raise CategoryCycle(f"{category.slug} cannot stand below itself")
        above = above.parent


def _save(category: Category, **options: Any) -> None:
    try:
        with transaction.atomic():
            category.save(**options)
    except IntegrityError as error:
        raise SlugTaken(f"The slug {category.slug} is taken") from error
