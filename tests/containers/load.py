"""Customers who read and who buy, while containers come and go."""

import contextlib
import functools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from uuid import uuid4

import httpx

from tests.containers.stack import Stack
from tests.system.platform import PRODUCTS, wait_until

READERS: Final = 2
PAUSE_SECONDS: Final = 0.05


class Load:
    """What was asked and answered; every request carries the name of the load as its id."""

    def __init__(self, stack: Stack, product: Mapping[str, Any], *, buys: bool) -> None:
        """Start with `running`."""
        self.name = f"load-{uuid4().hex[:12]}"
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._stack = stack
        self._product = product
        self._ended = threading.Event()
        self._lock = threading.Lock()
        work = [self._read] * READERS + ([self._buy] if buys else [])
        self.threads = [threading.Thread(target=one, daemon=True) for one in work]

    @property
    def count(self) -> int:
        with self._lock:
            return self.answers.total()

    def go_on(self, more: int, *, seconds: float = 60) -> None:
        """Return when there were so many more answers."""
        enough = self.count + more
        wait_until(lambda: self.count >= enough, seconds=seconds, what=f"{more} more answers")

    def end(self) -> None:
        """Let everybody end what they are at."""
        self._ended.set()
        for thread in self.threads:
            thread.join(timeout=60)
        assert not any(thread.is_alive() for thread in self.threads)

    def _read(self) -> None:
        with httpx.Client(base_url=self._stack.url, timeout=30, trust_env=False) as client:
            headers = {"X-Request-ID": self.name}
            while not self._ended.wait(PAUSE_SECONDS):
                self._note("GET", lambda: client.get(f"{PRODUCTS}?limit=5", headers=headers))

    def _buy(self) -> None:
        with self._stack.demo_user("customer") as client:
            while not self._ended.wait(PAUSE_SECONDS):
                placed = self._note("order", lambda: client.place(self._product["sku"]))
                if placed is not None and placed.status_code == 201:
                    self._note("pay", functools.partial(client.pay, placed.json()["id"]))

    def _note(self, name: str, ask: Callable[[], httpx.Response]) -> httpx.Response | None:
        try:
            answer = ask()
        except httpx.HTTPError as error:
            with self._lock:
                self.failures.append(f"{name}: {error!r}")
                self.answers[f"{name} failed"] += 1
            return None
        with self._lock:
            self.answers[f"{name} {answer.status_code}"] += 1
            if answer.status_code not in {200, 201, 202}:
                self.failures.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        return answer


@contextlib.contextmanager
def running(stack: Stack, product: Mapping[str, Any], *, buys: bool = False) -> Iterator[Load]:
    """Keep everybody busy during the block."""
    load = Load(stack, product, buys=buys)
    for thread in load.threads:
        thread.start()
    try:
        yield load
    finally:
        load.end()
        print(f"{load.count} answers: {dict(load.answers)}")
