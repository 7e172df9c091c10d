"""What is deleted when its time is over: rules, run each hour by the relay and by `manage.py SERVICE prune`."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

import structlog
from django.db import connection
from django.utils import timezone

from chassis import jobs

BATCH: Final = 1000
"""Rows looked at in one statement: short enough to hold nobody up, and to stay far from its timeout."""

_RUN_SECONDS: Final = 3600

Rule = Callable[[datetime], int]

log = structlog.get_logger()
_rules: dict[str, Rule] = {}


def rule(name: str) -> Callable[[Rule], Rule]:
    """Register a function that deletes what is over by a time and returns how many rows that were.

    It must be idempotent and safe to run twice at once. Each rule is a timed job of its own, so
    that one that fails does not stop the others.
    """

    def register(delete: Rule) -> Rule:
        if name in _rules:
            raise ValueError(f"the retention rule {name} is declared twice")
        _rules[name] = delete
        jobs.every(_RUN_SECONDS, name=f"retention.{name}")(lambda: _run(name, timezone.now()))
        return delete

    return register


def prune(*, now: datetime) -> Iterator[tuple[str, int]]:
    """Run every rule; yield its name and how many rows it deleted. Idempotent."""
    for name in sorted(_rules):
        yield name, _run(name, now)


def _run(name: str, now: datetime) -> int:
    deleted = _rules[name](now)
    if deleted:
        log.info("pruned", rule=name, deleted=deleted)
    return deleted


def delete_in_batches(statement: str, *, before: datetime) -> int:
    """Run a statement from the oldest rows on until there is no more to delete; return how many went.

    Args:
        statement: looks at `limit` rows in the order of a key, beginning `after` one, and deletes
            those whose time is before `before`. It returns how many it deleted and the last key
            it looked at; no key where the rows behind it are too young.
        before: the time.
    """
    total = 0
    after: int | None = 0
    while after is not None:
        parameters: dict[str, Any] = {"after": after, "before": before, "limit": BATCH}
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            deleted, after = cursor.fetchone()
        total += deleted
    return total
