"""The services whose events this one consumes, and how their feeds are read."""

from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from django.conf import settings

from chassis.events import declarations, feed
from chassis.events.feed import EVERYTHING, Page, Place, Selection
from chassis.rest import RestClient, Unavailable
from chassis.tokens.service import service_token

PATH: Final = "/internal/v1/events"
READ_SECONDS: Final = 5.0
"""The deadline of a page: nobody waits for it, and it may be long."""


def names() -> list[str]:
    """Return the services that publish what this one has handlers for; itself first, if it is one."""
    found = {declarations.publisher_of(name) for name in declarations.consumed()} - {None}
    return sorted(
        (name for name in found if name), key=lambda name: (name != settings.SERVICE, name)
    )


def read(
    source: str, place: Place, *, now: datetime, limit: int, selection: Selection = EVERYTHING
) -> Page:
    """Return the next page of a service's events for this one; its own come from its own database.

    Events of other services are plain JSON, not looked at yet. Must not run inside a transaction.

    Raises:
        Unavailable: the service gave no page; one of a release before this has none.
    """
    if source == settings.SERVICE:
        page = feed.read(source, place=place, now=now, limit=limit, selection=selection)
        entries = [
            msgspec.structs.replace(e, event=msgspec.to_builtins(e.event)) for e in page.events
        ]
        return msgspec.structs.replace(page, events=entries)
    # A circuit of its own: what the sweep finds out closes no way of a customer's order.
    client = RestClient(f"{source}-events", _url_of(source), token=service_token.get)
    query = urlencode(_parameters(place, limit, selection))
    response = client.get(f"{PATH}?{query}", deadline_seconds=READ_SECONDS)
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        service_token.forget()
    if response.status_code != HTTPStatus.OK:
        raise Unavailable(f"{source} answered {response.status_code} to who asked for its events")
    try:
        return msgspec.json.decode(response.content, type=Page)
    except msgspec.MsgspecError as error:
        raise Unavailable(f"{source} answered no page of events: {error}") from error


def type_of(event: Any) -> str | None:
    """Return the type of an event that a feed held; None where it has none."""
    name = event.get("type") if isinstance(event, dict) else None
    return name if isinstance(name, str) else None


def id_of(event: Any) -> UUID | None:
    """Return the id of an event that a feed held; None where it has none."""
    try:
        return UUID(event["id"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def _url_of(source: str) -> str:
    url: str = getattr(settings, f"{source.upper()}_URL")
    return url


def _parameters(place: Place, limit: int, selection: Selection) -> dict[str, Any]:
    given = {
        "after": place.position,
        "epoch": place.epoch,
        "last_id": place.last_id,
        "limit": limit,
        "type": selection.name,
        "from": selection.since and selection.since.isoformat(),
        "to": selection.until and selection.until.isoformat(),
    }
    return {name: value for name, value in given.items() if value is not None}
