"""The chassis as a Django app: outbox, inbox and key tables in each service's database."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ChassisConfig(AppConfig):
    """Loads what the apps declare: events, handlers and timed jobs."""

    name = "chassis"
    label = "chassis"

    def ready(self) -> None:
        """Import every app's declarations, so that a bad one stops the start."""
        autodiscover_modules("events", "handlers", "tasks", "checks")
