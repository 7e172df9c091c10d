"""What the overview shows: accounts, log-ins, keys, events."""

from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone

from apps.auth_service import selectors
from apps.auth_service.domain import attempts as rules
from apps.auth_service.models import Counter, RefreshFamily, Role, User
from chassis.admin.dashboard import Card, Chart, Dashboard, bus_cards, capped_count, counted
from chassis.admin.display import age
from chassis.ids import first_uuid7

_DAYS: Final = 30
_OLD_KEY: Final = timedelta(days=90)


def dashboard() -> Dashboard:
    """Return the overview. Charts read the rows of 30 days by their ids, which hold their time."""
    now = timezone.now()
    days = [now.date() - timedelta(days=back) for back in range(_DAYS - 1, -1, -1)]
    registrations = Chart(
        title="Registrations per day",
        labels=[f"{day:%d %b}" for day in days],
        series={"registrations": _per_day(User.objects.all(), days)},
    )
    log_ins = Chart(
        title="Log-ins per day",
        labels=[f"{day:%d %b}" for day in days],
        series={"log-ins": _per_day(RefreshFamily.objects.all(), days)},
    )
    cards = [*_role_cards(), _sessions(now), _failures(now), _signing_key(now), *bus_cards()]
    return Dashboard(cards=cards, charts=[registrations, log_ins])


def _per_day(rows: QuerySet[Any], days: list[date]) -> list[int]:
    """Return how many rows were made on each day."""
    since = timezone.make_aware(datetime.combine(days[0], datetime.min.time()))
    recent = rows.filter(id__gte=first_uuid7(since))
    counts = dict(recent.values_list(TruncDate("created_at")).annotate(Count("id")))
    return [counts.get(day, 0) for day in days]


def _role_cards() -> list[Card]:
    counts = dict(User.objects.values_list("role").annotate(Count("id")))
    customers, staff, admins = (counts.get(role, 0) for role in Role)
    url = reverse("admin:accounts_user_changelist")
    return [
        Card(
            title="Customers",
            value=f"{customers:,}",
            hint="accounts that buy",
            link=f"{url}?role__exact={Role.CUSTOMER}",
        ),
        Card(
            title="Staff and admins",
            value=f"{staff:,} + {admins:,}",
            hint="accounts that may come here",
            link=f"{url}?role__in={Role.STAFF},{Role.ADMIN}",
        ),
    ]


def _sessions(now: datetime) -> Card:
    live = RefreshFamily.objects.filter(selectors.live(now))
    return Card(
        title="Live sessions",
        value=counted(capped_count(live)),
        hint="they still give tokens",
        link=reverse("admin:accounts_refreshfamily_changelist") + "?state=live",
    )


def _failures(now: datetime) -> Card:
    """Return the failures that count against an address: they are forgotten after an hour."""
    counters = Counter.objects.filter(last_at__gt=now - rules.FORGOTTEN_AFTER)
    counters = counters.exclude(key__startswith="mail:")
    failures = counters.filter(key__startswith="address:").aggregate(sum=Sum("count"))["sum"] or 0
    blocked = capped_count(counters.filter(blocked_until__gt=now))
    return Card(
        title="Failed log-ins",
        value=f"{failures:,}",
        hint=f"in the last hour; {blocked} blocked now" if blocked else "in the last hour",
        level="warning" if blocked else "",
    )


def _signing_key(now: datetime) -> Card:
    key = selectors.active_key()
    url = reverse("admin:accounts_signingkey_changelist")
    if key is None:
        return Card(title="Signing key", value="none", hint="made at the first log-in", link=url)
    old = now - key.activates_at
    return Card(
        title="Age of the signing key",
        value=age(old.total_seconds()),
        hint="a rotation makes a new one",
        level="warning" if old > _OLD_KEY else "success",
        link=url,
    )
