"""Routes that every service has."""

from django.urls import path

from chassis import health, metrics, problems
from chassis.events import api

urlpatterns = [
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("internal/v1/metrics", metrics.scrape),
    path("internal/v1/events", api.EventsView.as_view()),
    path("internal/v1/events/figures", metrics.event_figures),
    path("unrouted", problems.unrouted),
]
