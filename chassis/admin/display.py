"""How values look on a page."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Model
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

_BOTH: Final = frozenset({"before", "after"})


def age(seconds: float) -> str:
    """Return an age for people: one unit, rounded down."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def number_of(number: int, model: type[Model]) -> str:
    """Return how many rows, in the model's own words."""
    options = model._meta  # noqa: SLF001 -- public but for its name
    return f"{number} {options.verbose_name if number == 1 else options.verbose_name_plural}"


def short_id(value: object) -> SafeString | str:
    """Return the ends of an id, the whole of it on hover; its beginning is a time, its end tells apart."""
    text = str(value or "")
    if len(text) <= 16:  # noqa: PLR2004 -- no shorter when cut
        return code(text)
    return format_html('<code class="souk-id" title="{}">{}…{}</code>', text, text[:8], text[-6:])


def code(value: object) -> SafeString | str:
    """Return a value in a font in which every character counts."""
    return format_html('<code class="souk-id">{}</code>', value) if value else ""


def long_text(text: str) -> SafeString | str:
    """Return a text that is broken anywhere, so that one without spaces makes no table wider."""
    return format_html('<div class="souk-long">{}</div>', text) if text else ""


def user_link(user_id: object) -> SafeString:
    """Return a user's id, shortened, with a link to auth's page: that service alone knows the name."""
    url = f"{settings.ADMIN_PATHS['auth']}accounts/user/{user_id}/change/"
    return format_html('<a class="souk-link" href="{}">{}</a>', url, short_id(user_id))


def order_page_link(order_id: object) -> SafeString:
    """Return an order's id with a link to order's page, which knows its number and how it fared."""
    url = f"{settings.ADMIN_PATHS['order']}orders/order/{order_id}/change/"
    return format_html('<a class="souk-link" href="{}">{}</a>', url, code(order_id))


def money(amount: Decimal | None, currency: str = "") -> SafeString | str:
    """Return an amount; nothing where there is none."""
    if amount is None:
        return ""
    return format_html('<span class="souk-number">{}</span>', f"{amount:,.2f} {currency}".rstrip())


def actor(text: str) -> SafeString | str:
    """Return who did it, as ledgers have it: a user or staff, with a link, or a part of the shop."""
    kind, _, user_id = text.partition(":")
    if kind not in {"user", "staff"}:
        return text
    try:
        return format_html("{} {}", kind, user_link(UUID(user_id)))
    except ValueError:
        return text


def pretty_json(value: Any) -> SafeString:
    """Return JSON for people: indented, wrapped where it is long."""
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
    return format_html('<pre class="souk-json">{}</pre>', text)


def trace(text: str) -> SafeString | str:
    """Return a failure's trace."""
    return format_html('<pre class="souk-json">{}</pre>', text) if text else ""


def when(at: datetime | None) -> SafeString | str:
    """Return how long ago a time was, or how soon it comes; the time itself on hover."""
    if at is None:
        return ""
    seconds = (timezone.now() - at).total_seconds()
    told = f"{age(seconds)} ago" if seconds >= 0 else f"in {age(-seconds)}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), whole_time(at), told
    )


def whole_time(at: datetime) -> str:
    """Return a time to the second."""
    return date_format(at, "DATETIME_FORMAT")


def changes(details: Mapping[str, Any]) -> str:
    """Return an audit entry's details on one line; what was there before comes first."""
    others = {name: value for name, value in details.items() if name not in _BOTH}
    parts = [f"{name}: {_text(value)}" for name, value in others.items() if value != ""]
    if details.keys() >= _BOTH:
        parts.insert(0, f"{_text(details['before'])} → {_text(details['after'])}")
    else:
        parts += [f"{name}: {_text(details[name])}" for name in sorted(_BOTH & details.keys())]
    return ", ".join(parts)


def _text(value: Any) -> str:
    """Return a value of JSON as words."""
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
