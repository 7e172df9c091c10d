"""Breaks the worker that it is called in, from within, as a bug would."""

import time
from collections.abc import Callable, Mapping


def deafen() -> None:
    """Let it ask the broker for no more messages, and go on turning."""
    from kombu.transport import redis

    redis.Channel._brpop_start = lambda *_, **__: None  # type: ignore[attr-defined]


def block() -> None:
    """Let its loop stand still."""
    from kombu.asynchronous import get_event_loop

    loop = get_event_loop()
    assert loop is not None
    loop.call_soon(time.sleep, 3600)


WAYS: Mapping[str, Callable[[], None]] = {"deafen": deafen, "block": block}
