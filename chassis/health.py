"""Tells whether the process is alive, and whether it is ready for requests."""

from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from chassis import circuit, draining
from chassis.database import UNAVAILABLE
from chassis.tokens.deny import deny_list
from chassis.tokens.keys import keyring

_migrated = False


def live(request: HttpRequest) -> JsonResponse:
    """Answer 200 as soon as the process serves."""
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers, is migrated, and tokens can be verified; else 503 with what lacks.

    A process that is about to stop (chassis.draining) is not ready.
    The circuits of other services are told, and change nothing: without them it serves what it can.
    """
    checks = {
        "database": _database_is_ready(),
        "verification_keys": bool(keyring),
        "deny_list": deny_list.loaded,
        "staying": not draining.is_under_way(),
    }
    well = all(checks.values())
    status = "ready" if well else "not ready"
    return JsonResponse(
        {"status": status, "checks": checks, "circuits": circuit.states()},
        status=200 if well else 503,
    )


def _database_is_ready() -> bool:
    global _migrated  # noqa: PLW0603 -- once migrated, the release that runs stays migrated
    try:
        if not _migrated:
            executor = MigrationExecutor(connection)
            plan: list[Any] = executor.migration_plan(executor.loader.graph.leaf_nodes())
            _migrated = not plan
        else:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
    except UNAVAILABLE:
        return False
    return _migrated
