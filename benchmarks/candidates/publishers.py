"""A process that publishes as fast as it can when it is told to.

`python -m benchmarks.candidates.publishers ours|bare|celery` reads lines of two numbers, most
events and most seconds, and answers each with the number of events that it published. Eight
threads publish, as eight requests at once would: each event in a transaction of its own.
With `one` it publishes one of ours for each line, and answers with the event's id and the time at
which its COMMIT had returned.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import UUID

THREADS: Final = 8


def serve(publish: Callable[[], object]) -> None:
    """Answer the lines of the input until it ends."""
    with ThreadPoolExecutor(THREADS) as pool:
        for line in sys.stdin:
            most, seconds = line.split()
            deadline = time.monotonic() + float(seconds)
            share = int(most) // THREADS
            shares = [pool.submit(_publish_share, publish, share, deadline) for _ in range(THREADS)]
            print(sum(done.result() for done in shares), flush=True)


def serve_one(publish: Callable[[], UUID]) -> None:
    """Answer each line of the input until it ends."""
    for _ in sys.stdin:
        event_id = publish()
        print(event_id, time.monotonic(), flush=True)


def _publish_share(publish: Callable[[], object], share: int, deadline: float) -> int:
    for number in range(share):
        if time.monotonic() >= deadline:
            return number
        publish()
    return share


def ours() -> Callable[[], UUID]:
    """Return what a request of the auth service does to publish."""
    import django

    django.setup()
    from django.db import transaction

    from apps.auth_service.events import UserRegistered
    from chassis.events import publish
    from chassis.ids import uuid7

    def publish_one() -> UUID:
        user_id = uuid7()
        with transaction.atomic(durable=True):
            return publish(
                UserRegistered(user_id=user_id, email=email_of(user_id), name="Anyone"),
                subject=str(user_id),
            )

    return publish_one


def bare() -> Callable[[], None]:
    """Return one statement that writes the same row."""
    from benchmarks.candidates import bare_bus

    return bare_bus.publisher()


def celery() -> Callable[[], None]:
    """Return what people write: a task sent after the commit, with nothing to repeat it."""
    from benchmarks.candidates import celery_noop

    return celery_noop.publish


def email_of(user_id: UUID) -> str:
    """Return an address like those of real events."""
    return f"{user_id}@example.com"


if __name__ == "__main__":
    if sys.argv[1] == "one":
        serve_one(ours())
    else:
        serve({"ours": ours, "bare": bare, "celery": celery}[sys.argv[1]]())
