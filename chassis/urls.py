"""Routes that every service has."""

from django.urls import path

from chassis import health, problems

urlpatterns = [
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("unrouted", problems.unrouted),
]
