"""Categories: a tree that staff keep."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils.text import slugify

from apps.catalog_service import conf
from apps.catalog_service.errors import (
    CategoryCycle,
    CategoryInUse,
    CategoryTooDeep,
    SlugTaken,
    UnknownCategory,
)
from apps.catalog_service.models import Category
from chassis import audit
from chassis.errors import NotFound

_TREE_LOCK: Final = 0x54_52_45_45

# Until the transaction ends, the category can be changed by others but not deleted.
_HOLD: Final = "SELECT id FROM category WHERE slug = %s FOR KEY SHARE"
# Whether the new place is below the category itself, and how many levels its branch would reach down.
_MOVE: Final = """
SELECT above.path <@ branch.path,
       nlevel(above.path) + (SELECT max(nlevel(path)) FROM category WHERE path <@ branch.path)
       - nlevel(branch.path) + 1
FROM category AS above, category AS branch
WHERE above.id = %s AND branch.id = %s
"""
_LEVEL: Final = "SELECT nlevel(path) FROM category WHERE id = %s"


def create_category(values: Mapping[str, Any], *, by: UUID | None) -> Category:
    """Make a category; without a slug its name gives one.

    Args:
        values: name, slug and parent (a slug, or None for the top).
        by: the user who does it, None for a command.

    Raises:
        UnknownCategory: the parent does not exist.
        CategoryTooDeep: the parent stands on the lowest level there may be.
        SlugTaken: another category has the slug.
    """
    with transaction.atomic(durable=True):
        _lock_tree()
        category = Category(
            name=values["name"],
            slug=values.get("slug") or slugify(values["name"])[:100] or "category",
            parent_id=_parent_id(values.get("parent")),
        )
        if category.parent_id:
            _require_level(_level(category.parent_id) + 1)
        _save(category, force_insert=True)
        _record("category.created", category, by=by, name=category.name, slug=category.slug)
    return category


def update_category(*, slug: str, values: Mapping[str, Any], by: UUID | None) -> Category:
    """Change a category's name, slug or parent; all that stands below it moves with it.

    Raises:
        NotFound, UnknownCategory, SlugTaken: by what is wrong.
        CategoryCycle: the new parent stands below it.
        CategoryTooDeep: its branch would reach below the lowest level there may be.
    """
    with transaction.atomic(durable=True):
        _lock_tree()
        category = _find(slug)
        before = (category.name, category.slug, category.parent_id)
        category.name = values.get("name", category.name)
        category.slug = values.get("slug", category.slug)
        if "parent" in values:
            category.parent_id = _parent_id(values["parent"])
            _require_place(category)
        after = (category.name, category.slug, category.parent_id)
        if after != before:
            _save(category, force_update=True, update_fields=["name", "slug", "parent"])
            _record("category.changed", category, by=by, **_differences(before, after))
    return category


def delete_category(*, slug: str, by: UUID | None) -> None:
    """Take away a category that holds nothing.

    Raises:
        NotFound: there is no such category.
        CategoryInUse: it has products or sub-categories.
    """
    try:
        with transaction.atomic(durable=True):
            _lock_tree()
            category = _find(slug)
            _record("category.deleted", category, by=by, name=category.name, slug=slug)
            category.delete()
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


def hold_category(slug: str, *, field: str = "") -> UUID:
    """Return a category's id, and keep it from being deleted until the transaction ends.

    Needs a transaction: what it writes may then refer to the category.

    Args:
        slug: of the category.
        field: of the body, where it is not `category` that names it.

    Raises:
        UnknownCategory: there is no such category.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [slug])
        row = cursor.fetchone()
    if row is None:
        raise UnknownCategory(f"There is no category {slug}", field=field)
    return UUID(str(row[0]))


def _parent_id(slug: str | None) -> UUID | None:
    return None if slug is None else hold_category(slug, field="parent")


def _level(category_id: UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LEVEL, [category_id])
        return int(cursor.fetchone()[0])


def _require_place(category: Category) -> None:
    """Refuse a parent below the category itself, or one that its branch is too tall for."""
    if category.parent_id is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, [category.parent_id, category.pk])
        is_below, level = cursor.fetchone()
    if is_below:
        raise CategoryCycle(f"{category.slug} cannot stand below itself")
    _require_level(level)


def _require_level(level: int) -> None:
    if level > conf.MOST_CATEGORY_LEVELS:
        raise CategoryTooDeep(
            f"A tree of categories has {conf.MOST_CATEGORY_LEVELS} levels at most"
        )


def _differences(before: tuple[Any, ...], after: tuple[Any, ...]) -> dict[str, Any]:
    """Return what an audit entry tells of a change: [old, new] of each field that differs."""
    pairs = zip(("name", "slug", "parent"), before, after, strict=True)
    return {field: [_plain(old), _plain(new)] for field, old, new in pairs if old != new}


def _plain(value: Any) -> str | None:
    return None if value is None else str(value)


def _record(action: str, category: Category, *, by: UUID | None, **details: Any) -> None:
    if by is not None:
        audit.record(action, target_type="category", target_id=category.pk, actor_id=by, **details)


def _save(category: Category, **options: Any) -> None:
    try:
        with transaction.atomic():
            category.save(**options)
    except IntegrityError as error:
        raise SlugTaken(f"The slug {category.slug} is taken") from error
