"""Routes that every service has."""

from django.urls import path

from chassis import health, metrics, problems

urlpatterns = [
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("internal/v1/metrics", metrics.scrape),
    path("unrouted", problems.unrouted),
]
