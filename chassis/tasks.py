"""The chassis's own timed jobs."""

from chassis import jobs
from chassis.events import inbox

jobs.every(1, name="chassis.retry_due_events")(inbox.retry_due)
