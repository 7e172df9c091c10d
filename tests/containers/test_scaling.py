"""Replicas: found, balanced, killed, and restarted one by one, under load."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from local.home import SERVICES
from tests.containers import load
from tests.containers.engine import docker, inspect, state
from tests.containers.stack import Stack
from tests.system.platform import PRODUCTS, wait_until

REPLICAS: Final = 3
_READS: Final = {
    "auth": "/.well-known/jwks.json",
    "catalog": f"{PRODUCTS}?limit=1",
    "order": "/api/v1/orders",
}


@pytest.fixture(scope="class")
def product(stack: Stack) -> Mapping[str, Any]:
    """Return a product that nobody buys empty."""
    with stack.demo_user("staff") as staff:
        return staff.add_product(on_hand=100_000)


@pytest.fixture(scope="class", autouse=True)
def scaled(stack: Stack) -> Iterator[None]:
    """Run three of catalog and two of the others; then one of each again."""
    started = time.monotonic()
    stack.up("--no-recreate", "--scale=catalog=3", "--scale=auth=2", "--scale=order=2")
    stack.figures["scaled to 3, 2 and 2 in"] = f"{time.monotonic() - started:.0f} s"
    for service in SERVICES:
        wait_until_answering(stack, service, stack.containers(service))
    yield
    stack.up("--no-recreate", *(f"--scale={service}=1" for service in SERVICES))
    stack.wait_until_served()


def answering(stack: Stack, service: str, name: str) -> set[str]:
    """Return the containers of a service that say in their log that they answered a request id."""
    told = {one: docker("logs", "--since=2m", one) for one in stack.containers(service)}
    return {one for one, logs in told.items() if name in logs.stdout + logs.stderr}


def wait_until_answering(stack: Stack, service: str, containers: list[str]) -> None:
    """Return when the gateway sends requests to each of the containers."""
    name = f"found-{service}-{time.monotonic_ns()}"

    def all_answer() -> bool:
        for _ in range(2 * REPLICAS):
            client.get(_READS[service], **{"X-Request-ID": name})
        return answering(stack, service, name) >= set(containers)

    with stack.client() as client:
        wait_until(all_answer, seconds=60, what=f"answers of {containers}")


def restart(stack: Stack, service: str, container: str) -> tuple[str, int, float]:
    """Stop a container and start it again; return it, its exit code and how long it took to end."""
    started = time.monotonic()
    docker("stop", container)
    taken = time.monotonic() - started
    code = int(state(container)["ExitCode"])
    docker("start", container)
    if container in stack.containers(service) and service in SERVICES:
        wait_until_answering(stack, service, [container])
    return container, code, taken


class TestReplicas:
    def test_all_answer(self, stack: Stack) -> None:
        assert len(stack.containers("catalog")) == REPLICAS
        with load.running(stack, {}) as running:
            running.go_on(60)
        assert running.failures == []
        assert answering(stack, "catalog", running.name) == set(stack.containers("catalog"))

    def test_fail_no_read_when_one_is_killed(self, stack: Stack) -> None:
        killed = stack.containers("catalog")[1]
        with load.running(stack, {}) as running:
            running.go_on(40)
            docker("kill", "--signal", "KILL", killed)
            running.go_on(150)
            docker("start", killed)
            wait_until_answering(stack, "catalog", [killed])
            running.go_on(40)
        stack.figures["reads while a replica was killed"] = str(running.count)
        assert running.failures == []

    def test_are_restarted_one_by_one_and_nobody_is_told(
        self, stack: Stack, product: Mapping[str, Any]
    ) -> None:
        """One container of each service at a time, and their workers and relays."""
        others = [f"{service}-{role}" for service in SERVICES for role in ("worker", "relay")]
        with load.running(stack, product, buys=True) as running, ThreadPoolExecutor(4) as pool:
            running.go_on(40)
            started = time.monotonic()
            endings = list(pool.map(lambda service: _restart_all(stack, service), SERVICES))
            endings += list(pool.map(lambda name: _restart_all(stack, name), others))
            taken = time.monotonic() - started
            running.go_on(40)
        stack.figures["rolling restart of everything"] = f"{taken:.0f} s"
        stack.figures["answers meanwhile"] = str(running.count)
        assert running.failures == []
        assert running.answers["order 201"] > 10
        for container, code, seconds in (one for part in endings for one in part):
            grace = inspect(container)[0]["Config"]["StopTimeout"]
            assert (code, seconds < grace) == (0, True), (container, code, seconds)
        slowest = max((seconds, container) for part in endings for container, _, seconds in part)
        stack.figures["slowest to stop"] = f"{slowest[0]:.1f} s"


def _restart_all(stack: Stack, name: str) -> list[tuple[str, int, float]]:
    """Restart every container of a compose service, one after the other."""
    return [restart(stack, name, container) for container in stack.containers(name)]
