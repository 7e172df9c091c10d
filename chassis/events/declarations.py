"""What a service publishes, consumes and does with it.

The registry is filled at import (`events.py` and `handlers.py` of each app) and does not change after.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, TypeVar, cast

import msgspec
from django.conf import settings

T = TypeVar("T")
AwareDatetime = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its offset, the only ones that go on the wire (RFC 3339)."""
Handler = Callable[..., str]
"""Takes the payload, and the envelope if it asked for it; returns what it did."""


LONGEST_NAME = 100
"""Characters of a handler's name, as the inbox keeps it."""


class DeclarationError(Exception):
    """An event or a handler is declared wrongly; the process must not start."""


class Order(Enum):
    """What a handler makes of the order in which the events of one subject reach it."""

    ANY = "any"
    """The effect is the same in whatever order they come."""
    NEWEST = "newest"
    """It overwrites: the handler keeps the envelope's sequence and ignores what is older than that."""
    GAPLESS = "gapless"
    """It must not skip: the inbox holds an event until its predecessor is handled, for a while."""


@dataclass(frozen=True, slots=True)
class Published:
    """An event type of this service and the services that get it."""

    name: str
    version: int
    payload: type
    consumers: tuple[str, ...]
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler of one event type. `consumer` names it in the inbox, such as catalog.commit_reservation."""

    name: str
    consumer: str
    payload: type
    handler: Handler
    takes_envelope: bool = False
    order: Order = Order.ANY


_published: dict[str, Published] = {}
_names: dict[type, str] = {}
_subscriptions: dict[str, list[Subscription]] = {}


def event(
    name: str, *, version: int, consumers: tuple[str, ...], subject: str = ""
) -> Callable[[type[T]], type[T]]:
    """Declare a frozen dataclass as an event that this service publishes.

    Args:
        name: the event's type, such as order.placed.
        version: raised by a breaking change of the payload.
        consumers: the services whose queue gets it.
        subject: what its subject is the id of, in a word, for those who read the contract.

    Raises:
        DeclarationError: the class is no frozen dataclass, the name is taken or not registered as
            one that this service publishes, or there is no such consumer.
    """

    def declare(payload: type[T]) -> type[T]:
        _register_name(name, payload)
        if publisher_of(name) != settings.SERVICE:
            raise DeclarationError(
                f"{name} is published by {publisher_of(name)}, not by this service"
            )
        if name in _published:
            raise DeclarationError(f"{name} is declared twice")
        if isinstance(cast("object", consumers), str):  # which holds letters as a tuple does names
            raise DeclarationError(f"{name} is sent to a tuple of services, not to {consumers!r}")
        if unknown := sorted(set(consumers) - set(settings.SERVICES)):
            raise DeclarationError(f"{name} is sent to {', '.join(unknown)}, which is no service")
        _published[name] = Published(
            name=name, version=version, payload=payload, consumers=consumers, subject=subject
        )
        return payload

    return declare


def consumes(name: str) -> Callable[[type[T]], type[T]]:
    """Declare a frozen dataclass as this service's view of an event that another one publishes.

    The view holds the fields that are used here; others are ignored, so the publisher may add some.
    """

    def declare(payload: type[T]) -> type[T]:
        _register_name(name, payload)
        return payload

    return declare


def handles(
    payload: type, *, consumer: str, takes_envelope: bool = False, order: Order = Order.ANY
) -> Callable[[Handler], Handler]:
    """Register a handler of an event under a name of its own in the inbox.

    The handler runs in the transaction that marks the event as handled, and returns what it did in a
    few words. It may be called again after a failure, never after a success.

    Args:
        payload: the class of the event.
        consumer: the handler's name in the inbox.
        takes_envelope: whether it is also given the event's envelope, for its id or its number among
            the events of its subject.
        order: what it makes of the order of a subject's events.
    """
    if not isinstance(order, Order):
        raise DeclarationError(f"{consumer} has the order {order!r}, which is none of Order's")
    if len(consumer) > LONGEST_NAME:
        raise DeclarationError(f"{consumer} is longer than {LONGEST_NAME} characters")
    if consumer.partition(".")[0] in {*settings.SERVICES} - {settings.SERVICE}:
        raise DeclarationError(f"{consumer} has the name of another service")
    if order is Order.NEWEST and not takes_envelope:
        raise DeclarationError(f"{consumer} cannot know what is older without the envelope")

    def declare(handler: Handler) -> Handler:
        name = _names.get(payload)
        if name is None:
            raise DeclarationError(f"{payload.__name__} is not declared as an event")
        if any(one.payload is not payload for one in _subscriptions.get(name, [])):
            raise DeclarationError(
                f"{name} is handled by two classes; a service has one view of it"
            )
        if any(subscription.consumer == consumer for subscription in _subscriptions.get(name, [])):
            raise DeclarationError(f"{consumer} handles {name} twice")
        _subscriptions.setdefault(name, []).append(
            Subscription(
                name=name,
                consumer=consumer,
                payload=payload,
                handler=handler,
                takes_envelope=takes_envelope,
                order=order,
            )
        )
        return handler

    return declare


def _register_name(name: str, payload: type) -> None:
    if not is_dataclass(payload) or not payload.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise DeclarationError(f"{payload.__name__} must be a frozen dataclass")
    if publisher_of(name) is None:
        raise DeclarationError(f"{name} is no event that settings/events.py registers")
    _names[payload] = name


def publisher_of(name: str) -> str | None:
    """Return the service that publishes an event type, None if it is not registered."""
    publishers: Mapping[str, str] = settings.EVENT_PUBLISHERS
    return publishers.get(name)


def published() -> dict[str, Published]:
    """Return the declarations of the events that this service publishes, by name."""
    return dict(_published)


def published_as(payload: type) -> Published:
    """Return the declaration of an event class.

    Raises:
        DeclarationError: this service does not publish it.
    """
    declaration = _published.get(_names.get(payload, ""))
    if declaration is None or declaration.payload is not payload:
        raise DeclarationError(f"{payload.__name__} is not declared as an event of this service")
    return declaration


def consumed() -> dict[str, type]:
    """Return this service's payload class of each event type that a handler takes."""
    return {name: subscriptions[0].payload for name, subscriptions in _subscriptions.items()}


def subscriptions() -> list[Subscription]:
    """Return every handler of this service."""
    return [one for handlers in _subscriptions.values() for one in handlers]


def subscriptions_of(name: str) -> list[Subscription]:
    """Return the handlers of an event type; none if it is unknown here."""
    return list(_subscriptions.get(name, []))


def check_order() -> None:
    """Look whether each consumer that must not skip an event is given all of them.

    The events of one subject are numbered together: for one that a consumer does not handle it would
    wait in vain. A service knows others' events by their names: those with the same first word. That
    no other one is of the same subject is looked at where all are known (tests/contracts/events.py).

    Raises:
        DeclarationError: one is not.
    """
    orders: dict[str, dict[str, Order]] = {}
    for one in subscriptions():
        orders.setdefault(one.consumer, {})[one.name] = one.order
    for consumer, handled in orders.items():
        if Order.GAPLESS not in handled.values():
            continue
        if other := [name for name, order in handled.items() if order is not Order.GAPLESS]:
            raise DeclarationError(f"{consumer} must not skip events, and may skip {other[0]}")
        kinds = {name.partition(".")[0] for name in handled}
        all_of_them = {n for n in settings.EVENT_PUBLISHERS if n.partition(".")[0] in kinds}
        if missing := sorted(all_of_them - handled.keys()):
            raise DeclarationError(
                f"{consumer} must not skip events, and does not handle {', '.join(missing)}"
            )
