"""Timed jobs. The active relay runs them, so that each runs in one process of a service."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from django.db import close_old_connections

from chassis import context, tracing
from chassis.database import is_unavailable
from chassis.tracing import Sketch

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """A function and how often it runs."""

    name: str
    seconds: float
    run: Callable[[], object]
    parallel: int = 1


_jobs: dict[str, Job] = {}


def every(
    seconds: float, *, name: str, parallel: int = 1
) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Register a function to run that often. It must be idempotent: a relay may die in it.

    Args:
        seconds: how often.
        name: the job's.
        parallel: how often at once, where it may take longer than that. With more than one it has
            threads of its own, so that it keeps no other job from running.
    """

    def register(function: Callable[[], object]) -> Callable[[], object]:
        if name in _jobs:
            raise ValueError(f"the job {name} is declared twice")
        _jobs[name] = Job(name=name, seconds=seconds, run=function, parallel=parallel)
        return function

    return register


@contextlib.contextmanager
def running() -> Iterator[None]:
    """Run the registered jobs in background threads until the block ends; wait for those under way."""
    crowded = [job for job in _jobs.values() if job.parallel > 1]
    scheduler = BackgroundScheduler(
        executors={
            "default": ThreadPoolExecutor(2),
            **{job.name: ThreadPoolExecutor(job.parallel) for job in crowded},
        },
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    for job in _jobs.values():
        scheduler.add_job(
            _run,
            "interval",
            args=[job],
            seconds=job.seconds,
            id=job.name,
            max_instances=job.parallel,
            executor=job.name if job.parallel > 1 else "default",
        )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=True)


def _run(job: Job) -> None:
    sketch = Sketch(f"job {job.name}", tracing.INTERNAL, quiet=True)
    with contained(sketch, log.bind(job=job.name), put_off="job_put_off", failed="job_failed"):
        job.run()


@contextlib.contextmanager
def contained(sketch: Sketch, logger: Any, *, put_off: str, failed: str) -> Iterator[None]:
    """Run the block in a context of its own, as a span; whatever it raises is logged, and ends here.

    Its connection to the database is given back, and is not one that ended since the last time.

    Args:
        sketch: what it is.
        logger: which knows what runs.
        put_off: what is logged when the database is away.
        failed: what is logged when anything else is wrong.
    """
    close_old_connections()
    with context.running(request_id=None, traceparent=None, sketch=sketch):
        try:
            yield
        except Exception as error:
            context.note_failure(error)
            if is_unavailable(error):
                logger.warning(put_off, error=str(error))
            else:
                logger.exception(failed)
        finally:
            close_old_connections()
