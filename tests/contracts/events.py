"""What breaks those who consume our events, compared with the last release."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.contracts.compatibility import misfits, removed

Schemas = Mapping[str, dict[str, Any]]
Views = Mapping[str, Schemas]
"""Of each service, its views of the events that it handles."""


def breaks(released: Schemas, published: Schemas) -> Iterator[str]:
    """Yield a sentence for each event that is no longer what the last release promised."""
    for name, before in released.items():
        after = published.get(name)
        if after is None:
            yield from _gone(name, before)
        elif after["x-version"] < before["x-version"]:
            yield f"{name} has version {after['x-version']}, and was released with {before['x-version']}."
        elif after["x-version"] == before["x-version"]:
            for reason in _changes(before, after):
                yield f"{name} {reason}. Raise its version (docs/events.md), or keep what was."


def _gone(name: str, before: dict[str, Any]) -> Iterator[str]:
    if before["x-consumers"]:
        yield (
            f"{name} is gone, and was released for {', '.join(before['x-consumers'])}. "
            "Release it for nobody first (a raised version, consumers=()), or keep it."
        )


def _changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    gone = list(removed(before, after))
    yield from gone
    told = tuple(reason.partition(": ")[0] + ":" for reason in gone)
    for reason in misfits(after, before):
        if not told or not reason.startswith(told):
            yield reason
    for service in before["x-consumers"]:
        if service not in after["x-consumers"]:
            yield f"is no longer sent to {service}"
    if after["x-subject"] != before["x-subject"]:
        yield f"has the subject {after['x-subject']}, and had {before['x-subject']}"


def strangers(released: Schemas, published: Schemas, before: Views, now: Views) -> Iterator[str]:
    """Yield a sentence for each event that a service could not take while releases change.

    Services are deployed one by one: a consumer of the last release gets what is published now, and
    one of now what the last release left in outboxes and queues. Both hold under a raised version too.
    """
    for service, name, reason in _untaken(published, before):
        yield (
            f"{name} {reason} by the {service} of the last release. "
            f"Let {service} take both, and release that before what publishes it."
        )
    for service, name, reason in _untaken(released, now):
        yield (
            f"{name} {reason} by {service}, and the last release still publishes it. "
            "Take both until the next release."
        )


def untaken(published: Schemas, views: Views) -> Iterator[str]:
    """Yield a sentence for each event that a service could not take from its publisher of the same release."""
    for service, name, reason in _untaken(published, views):
        yield f"{name} {reason} by {service}. Change its view of the event, or the event."


def skipped(
    published: Schemas, handlers: Mapping[str, Sequence[Mapping[str, str]]]
) -> Iterator[str]:
    """Yield a sentence for each event that a consumer would wait for in vain.

    The events of one subject are numbered together, whatever their names begin with, and one that
    must not skip any waits for each number.

    Args:
        published: the schemas of the events that a service may be sent.
        handlers: a service's handlers of each event.
    """
    kinds: dict[str, set[str]] = {}
    for name, its in handlers.items():
        for handler in its:
            if handler["order"] == "gapless":
                kinds.setdefault(handler["consumer"], set()).add(published[name]["x-subject"])
    for consumer, subjects in kinds.items():
        for name, schema in published.items():
            handled = any(one["consumer"] == consumer for one in handlers.get(name, ()))
            if schema["x-subject"] in subjects and not handled:
                yield (
                    f"{consumer} must not skip events of a {schema['x-subject']}, "
                    f"and does not handle {name}."
                )


def _untaken(published: Schemas, views: Views) -> Iterator[tuple[str, str, str]]:
    for service, its in views.items():
        for name, view in its.items():
            if service in published.get(name, {}).get("x-consumers", ()):
                for reason in misfits(published[name], view):
                    yield service, name, reason
