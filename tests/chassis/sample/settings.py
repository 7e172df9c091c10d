"""The order service's settings, with the sample app in the place of the service's own."""

import os

from settings.order import *  # noqa: F403
from settings.order import INSTALLED_APPS  # type: ignore[attr-defined]
from tests.chassis.sample import PUBLISHERS

INSTALLED_APPS = [
    "tests.chassis.sample" if app == "apps.order_service" else app for app in INSTALLED_APPS
]
ROOT_URLCONF = "tests.chassis.sample.urls"
ERROR_STATUSES = "tests.chassis.sample.api.ERROR_STATUSES"
EVENT_PUBLISHERS = PUBLISHERS
WATCHDOG_SECONDS = float(os.environ.get("SAMPLE_WATCHDOG_SECONDS", "2"))
