"""Logging by structlog: one JSON object a line, or text for people."""

import logging
import logging.config
from typing import Any

import msgspec
import structlog

from chassis import context

_encoder = msgspec.json.Encoder(enc_hook=repr)

_SHARED: list[structlog.typing.Processor] = [
    context.add_to_line,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def _to_json(event: Any, **_: Any) -> str:
    return _encoder.encode(event).decode()


class JSONFormatter(structlog.stdlib.ProcessorFormatter):
    """Writes a line that is complete as it comes, as the one of each request; structlog writes the others."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON."""
        event = record.msg
        if isinstance(event, dict) and "exc_info" not in event and "stack" not in event:
            return _to_json(event)
        return super().format(record)


def logging_settings(*, level: str, form: str, service: str) -> dict[str, Any]:
    """Return a `logging.config.dictConfig` for one service.

    Args:
        level: least severe level that is logged.
        form: json or console.
        service: written into every line.
    """

    def add_service(
        _: Any, __: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    final: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_to_json)]
        if form == "json"
        # Not structlog's own traceback, which shows local variables: passwords among them.
        else [
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "souk": {
                "()": JSONFormatter if form == "json" else structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*_SHARED, add_service],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "souk"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # One line a request is logged by the context middleware; these would say it again,
            # and what Django refuses as suspicious with a trace.
            "django.request": {"level": "CRITICAL"},
            "django.security": {"level": "CRITICAL"},
            "httpx": {"level": "WARNING"},
            # The inbox logs what became of each event.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "ERROR"},
            # A database that is away is told of once, by whoever needed it.
            "psycopg.pool": {"level": "ERROR"},
            "apscheduler": {"level": "WARNING"},
            # Spans that cannot be sent are told of once (chassis.otlp), and not for each batch.
            "opentelemetry": {"level": "CRITICAL"},
        },
        "souk_processors": [*_SHARED, add_service],
    }


def configure(settings: dict[str, Any]) -> None:
    """Configure the standard library's logging and structlog (Django's LOGGING_CONFIG)."""
    # No line says where in the code it was written, so nobody looks for it either (the standard
    # library's HOWTO names these switches).
    logging._srcfile = None  # noqa: SLF001
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    settings = dict(settings)
    processors = settings.pop("souk_processors")
    logging.config.dictConfig(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *processors,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
