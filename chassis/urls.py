"""Routes that every service has."""

from django.conf import settings
from django.urls import path

from chassis import documentation, health, metrics, problems
from chassis.events import api

urlpatterns = [
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("internal/v1/metrics", metrics.scrape),
    path("internal/v1/events", api.EventsView.as_view()),
    path("internal/v1/events/figures", metrics.event_figures),
    # Behind the gateway each service has its own name there (gateway/dynamic/routes.yaml).
    path(f"docs/openapi/{settings.SERVICE}.yaml", documentation.DocumentView.as_view()),
    path("unrouted", problems.unrouted),
]
