"""What every service shares, and no business rule."""

import sys

# redis-py loads OpenTelemetry wherever that is installed, for metrics that nobody here asks it for.
# What is None cannot be imported; chassis.tracing lets it be where spans are made (ADR 0044).
sys.modules.setdefault("opentelemetry", None)  # type: ignore[arg-type]
