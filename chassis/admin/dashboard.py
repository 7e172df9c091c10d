"""The overview of a service's admin: figures and charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncHour
from django.urls import reverse
from django.utils import timezone

from chassis import json
from chassis.admin.display import age
from chassis.events import figures
from chassis.events.figures import Figures
from chassis.ids import first_uuid7
from chassis.models import OutboxEvent

MOST_COUNTED: Final = 1000
"""A figure stops counting here: the overview costs the same whatever has piled up."""

_OLD_SECONDS: Final = 60
"""An event that waits longer than this to be published is worth a look."""

_LATE_SWEEPS: Final = 4
"""A publisher that was not looked at for as long as so many sweeps take is worth a look."""

_GREY: Final = "#9ca3af"
"""Legible on the light and on the dark ground."""

_TICKS: Final = {"color": _GREY, "maxTicksLimit": 6, "precision": 0}

_OPTIONS: Final[Mapping[str, Any]] = {
    "responsive": True,
    "maintainAspectRatio": False,
    "animation": False,
    "plugins": {"legend": {"display": False}},
    "scales": {
        "x": {
            "grid": {"display": False},
            "ticks": {"color": _GREY, "maxTicksLimit": 8, "maxRotation": 0},
        },
        "y": {
            "beginAtZero": True,
            "border": {"display": False},
            "ticks": _TICKS,
        },
    },
}
"""Chart.js's own words."""

_SIDEWAYS: Final = {
    **_OPTIONS,
    "indexAxis": "y",
    "scales": {
        "x": {**_OPTIONS["scales"]["y"], "ticks": {**_TICKS, "maxTicksLimit": 5}},
        "y": {"grid": {"display": False}, "ticks": {"color": _GREY, "autoSkip": False}},
    },
}
"""The same for bars that lie: there is room for a name beside each."""


@dataclass(frozen=True, slots=True)
class Card:
    """One figure. `level` is its colour: success, warning or danger, or none."""

    title: str
    value: str
    hint: str = ""
    level: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars or lines over the same labels; a series is a list of as many numbers."""

    title: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[int]]
    kind: str = "bar"
    is_sideways: bool = False
    """Whether the bars lie, one below the other: for labels that are names."""

    @property
    def data(self) -> str:
        """Return what the theme's script draws, as JSON."""
        colours = ("var(--color-primary-600)", "var(--color-base-300)", "var(--color-primary-300)")
        sets = [
            {
                "label": name,
                "data": list(numbers),
                "backgroundColor": colour,
                "borderColor": colour,
                "borderRadius": 3,
            }
            for (name, numbers), colour in zip(self.series.items(), colours, strict=False)
        ]
        return json.encode({"labels": list(self.labels), "datasets": sets}).decode()

    @property
    def options(self) -> str:
        """Return how it is drawn, as JSON: whole numbers, and no lines but those of the ground."""
        return json.encode(_SIDEWAYS if self.is_sideways else _OPTIONS).decode()

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to draw."""
        return not any(any(numbers) for numbers in self.series.values())


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a listing, which leads to its page."""

    text: str
    value: str
    hint: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A few rows that want a look; `empty` is told where there are none."""

    title: str
    lines: Sequence[Line]
    empty: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What the overview shows."""

    cards: Sequence[Card]
    charts: Sequence[Chart] = ()
    listings: Sequence[Listing] = ()


def bus_cards() -> list[Card]:
    """Return how the service's events are doing."""
    now, swept = figures.read(), figures.swept()
    cards = [_dead_letters(now), _unpublished(now), _queued(now), _undone(now), _lag(now)]
    return [*cards, _repair(now, swept)] if swept else cards


def bus_dashboard() -> Dashboard:
    """Return the overview of a service with nothing but events to show."""
    return Dashboard(cards=bus_cards(), charts=[published_chart()])


def published_chart() -> Chart:
    """Return how many events were written in each of the last 24 hours."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [now - timedelta(hours=back) for back in range(23, -1, -1)]
    rows = OutboxEvent.objects.filter(id__gte=first_uuid7(hours[0]))
    counts = dict(rows.values_list(TruncHour("time")).annotate(Count("id")))
    return Chart(
        title="Events written, by hour (UTC)",
        labels=[f"{hour:%H:00}" for hour in hours],
        series={"events": [counts.get(hour, 0) for hour in hours]},
    )


def capped_count(rows: QuerySet[Any]) -> int:
    """Return how many rows there are, MOST_COUNTED at most."""
    return rows.order_by()[:MOST_COUNTED].count()


def counted(number: int, most: int = MOST_COUNTED) -> str:
    """Return a count for people that stopped at the most."""
    return f"{most:,}+" if number >= most else f"{number:,}"


def _dead_letters(now: Figures) -> Card:
    return Card(
        title="Dead letters",
        value=counted(now.dead, figures.MOST_COUNTED),
        hint="events that a consumer gave up on",
        level="danger" if now.dead else "success",
        link=reverse("admin:chassis_deadletter_changelist"),
    )


def _unpublished(now: Figures) -> Card:
    hint, level = "all published", "success"
    if now.unpublished:
        hint = f"the oldest waits for {age(now.oldest_unpublished_seconds)}"
        level = "warning" if now.oldest_unpublished_seconds > _OLD_SECONDS else ""
    return Card(
        title="Unpublished events",
        value=counted(now.unpublished, figures.MOST_COUNTED),
        hint=hint,
        level=level,
        link=reverse("admin:chassis_outboxevent_changelist") + "?published=no",
    )


def _queued(now: Figures) -> Card:
    if now.queue_length is None:
        return Card(
            title="Messages in the queues",
            value="not known",
            hint="the broker does not answer; events wait in the databases",
            level="danger",
        )
    return Card(
        title="Messages in the queues",
        value=f"{now.queue_length:,}",
        hint="of up to ten events each",
        level="success",
    )


def _repair(now: Figures, swept: Mapping[str, float | None]) -> Card:
    told = ", ".join(
        f"{name} {'never' if seconds is None else f'{age(seconds)} ago'}"
        for name, seconds in swept.items()
    )
    is_late = any(seconds is None or seconds > _late_seconds() for seconds in swept.values())
    return Card(
        title="Repair",
        value=f"{now.repaired:,}",
        hint=f"lost events found again; looked for: {told}",
        level="warning" if is_late else "success",
    )


def _late_seconds() -> float:
    seconds: float = _LATE_SWEEPS * settings.SWEEP_SECONDS
    return seconds


def _undone(now: Figures) -> Card:
    waiting = f"; waiting for their turn: {now.waiting:,}" if now.waiting else ""
    return Card(
        title="Failing events",
        value=counted(now.failing, figures.MOST_COUNTED),
        hint=f"to be tried again{waiting}",
        level="warning" if now.failing else "success",
        link=reverse("admin:chassis_inboxevent_changelist") + "?state=failing",
    )


def _lag(now: Figures) -> Card:
    if now.lag_p50_seconds is None or now.lag_p99_seconds is None:
        return Card(
            title="Event to effect", value="none", hint="nothing was handled in the last 5 minutes"
        )
    return Card(
        title="Event to effect",
        value=_short(now.lag_p50_seconds),
        hint=f"99 % within {_short(now.lag_p99_seconds)};"
        f" {counted(now.handled_recently, figures.RECENT)} handled in the last 5 minutes",
        level="warning" if now.lag_p99_seconds > _OLD_SECONDS else "success",
        link=reverse("admin:chassis_inboxevent_changelist"),
    )


def _short(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else age(seconds)
