"""The chassis as a Django app: outbox, inbox and key tables in each service's database."""

import gc

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import autodiscover_modules


class ChassisConfig(AppConfig):
    """Loads what the apps declare: events, handlers and timed jobs."""

    name = "chassis"
    label = "chassis"

    def ready(self) -> None:
        """Import every app's declarations; a bad one stops the start with a sentence (exit code 1)."""
        from chassis.events.declarations import DeclarationError, check_order

        try:
            autodiscover_modules("events", "handlers", "tasks", "checks")
            check_order()
        except DeclarationError as error:
            raise SystemExit(f"The {settings.SERVICE} service cannot start: {error}.") from error
        # What is loaded stays: no look for garbage goes through it. From here on there is some: each
        # request is a cycle that holds its body (DRF's parser_context), and goes by that alone.
        gc.freeze()
        gc.enable()
