"""Two web processes of a service behind the gateway; in a home whose path is a hard one."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Self

import httpx
import pytest

from tests.system.conftest import kept
from tests.system.platform import PRODUCTS, ROOT, Platform, clean_environment, wait_until


@pytest.fixture(scope="module")
def two_starts() -> Iterator[tuple[Platform, list[tuple[int, str]]]]:
    """Return a platform that two commands tried to start at once, and how each of them ended."""
    with kept("a home; 100% odd") as platform:
        command = [sys.executable, "manage.py", "up", "--no-seed", "--detach"]
        starts = [
            subprocess.Popen(
                [*command, "--replicas", "catalog=2"],
                cwd=ROOT,
                env={**clean_environment(platform.home, platform.port), **platform.variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for _ in range(2)
        ]
        endings = [(start.communicate()[0], start.returncode) for start in starts]
        yield platform, sorted((code, output) for output, code in endings)


@pytest.fixture(scope="module")
def replicated(two_starts: tuple[Platform, list[tuple[int, str]]]) -> Platform:
    """Return the platform with two web processes of catalog."""
    return two_starts[0]


class TestTwoStartsAtOnce:
    def test_end_in_one_platform_and_one_sentence(
        self, two_starts: tuple[Platform, list[tuple[int, str]]]
    ) -> None:
        platform, [first, second] = two_starts
        assert first[0] == 0, first[1]
        assert "All ready in " in first[1]
        assert "Password" not in first[1], "it was not seeded"
        sentence = f"Another command is starting or stopping the platform in {platform.home}"
        assert second == (1, f"{sentence}; wait for it to end.\n")


class TestReplicas:
    def test_are_both_in_the_status(self, replicated: Platform) -> None:
        webs = [row for row in replicated.status()["processes"] if row["role"] == "web"]
        assert Counter(row["service"] for row in webs) == {"auth": 1, "catalog": 2, "order": 1}
        assert len({row["pid"] for row in webs}) == len({row["url"] for row in webs}) == 4
        assert {row["state"] for row in webs} == {"running"}

    def test_fail_no_read_when_one_is_killed(self, replicated: Platform) -> None:
        first, second = (row for row in replicated.rows() if row["url"] in catalog_urls(replicated))
        with Load(replicated.url) as load:
            wait_until(lambda: load.count > 50, seconds=40, what="reads before the kill")
            served_before = {url: requests_in_log(replicated, url) for url in LOGS}
            assert all(served_before.values()), served_before
            os.kill(first["pid"], 9)
            wait_until(
                lambda: (
                    (row := web_row(replicated, first["url"]))["state"] == "running"
                    and row["pid"] != first["pid"]
                ),
                seconds=60,
                what="the killed replica running again",
            )
            after = load.count
            wait_until(lambda: load.count > after + 100, seconds=40, what="reads after the return")
        print(f"{load.count} reads, {len(load.failures)} failed, slowest {load.slowest:.2f} s")
        assert load.failures == []
        assert web_row(replicated, second["url"])["pid"] == second["pid"]
        served = {name: requests_in_log(replicated, name) for name in LOGS}
        print(f"served by each: {served}")
        assert all(served[name] > served_before[name] for name in LOGS)


LOGS = ("catalog-web-1", "catalog-web-2")


def catalog_urls(platform: Platform) -> set[str]:
    rows = platform.rows()
    return {row["url"] for row in rows if (row["service"], row["role"]) == ("catalog", "web")}


def web_row(platform: Platform, url: str) -> dict[str, object]:
    return next(row for row in platform.rows() if row["url"] == url)


def requests_in_log(platform: Platform, name: str) -> int:
    """Return how many reads of the list a process has served."""
    text = (platform.home / "logs" / f"{name}.log").read_text(encoding="utf-8")
    return sum(f"path={PRODUCTS}" in line for line in text.splitlines())


class Load:
    """Reads the list of products from two connections, some forty times a second in all."""

    def __init__(self, url: str) -> None:
        """Start with the block."""
        self.count = 0
        self.slowest = 0.0
        self.failures: list[str] = []
        self._url = url
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._read) for _ in range(2)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30, trust_env=False) as client:
            while not self._ended.wait(0.05):
                started = time.monotonic()
                try:
                    answer = client.get(PRODUCTS)
                    if answer.status_code != httpx.codes.OK:
                        self.failures.append(f"{answer.status_code} {answer.text[:200]}")
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                self.count += 1
                self.slowest = max(self.slowest, time.monotonic() - started)
