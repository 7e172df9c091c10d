"""What goes wrong, and what is left to itself."""

import time
from typing import Any

import pytest

from local.home import SERVICES
from tests.containers import stack as stacks
from tests.containers.engine import docker, inspect, state
from tests.containers.stack import Stack
from tests.system.platform import Client, wait_until


class TestMissingSecret:
    @pytest.mark.parametrize("service", SERVICES)
    def test_stops_the_service_with_one_error_that_names_all(
        self, stack: Stack, service: str
    ) -> None:
        gone = [
            f"--env={name}_FILE=/run/secrets/gone" for name in ("SECRET_KEY", "ENCRYPTION_KEYS")
        ]
        finished = stack.compose("run", "--rm", "--no-deps", *gone, service, "web", check=False)
        said = finished.stdout + finished.stderr
        assert finished.returncode == 1, said
        assert "SECRET_KEY" in said, said
        assert "ENCRYPTION_KEYS" in said, said
        assert "Traceback" not in said
        assert "DATABASE_URL" not in said, "that one is there"


class TestBroker:
    def test_may_be_wiped_and_every_event_acts_once(
        self, stack: Stack, customer: Client, staff: Client
    ) -> None:
        product = staff.add_product(on_hand=10)
        worker = stack.container("catalog-worker")
        docker("stop", worker)
        try:
            for _ in range(2):
                customer.buy(product["sku"], 2)
            ask = 'valkey-cli -e --no-auth-warning --user souk -a "$0" $1'
            password = stack.secret("valkey.admin_password")
            inside = ("exec", stack.container("broker"), "sh", "-c", ask, password)
            assert int(docker(*inside, "dbsize").stdout) > 0
            assert docker(*inside, "flushall").stdout.strip() == "OK"
        finally:
            docker("start", worker)
        staff.wait_for_stock(product, on_hand=6, seconds=90)


class TestCrash:
    def test_ends_in_a_new_process(self, stack: Stack) -> None:
        """Killed from its host: what is killed by `docker kill` is not started again."""
        relay = stack.container("order-relay")
        before = state(relay)["Pid"]
        kill = ("python", stack.image("order"), "-c", f"import os; os.kill({before}, 9)")
        docker("run", "--rm", "--pid=host", "--user=0:0", "--entrypoint", *kill)
        wait_until(
            lambda: (found := state(relay))["Pid"] != before and is_healthy(found),
            seconds=90,
            what="the relay healthy again",
        )
        assert inspect(relay)[0]["RestartCount"] == 1


def is_healthy(found: dict[str, Any]) -> bool:
    """Tell whether a state is that of a container which runs and was found well."""
    return bool(found["Running"] and found["Health"]["Status"] == "healthy")


class TestOneService:
    def test_starts_with_what_it_needs_and_no_more(self, stack: Stack) -> None:
        """Beside the whole platform, which it does not meet."""
        alone = Stack(stack.folder, f"{stack.project}-alone", stack.tag)
        started = time.monotonic()
        try:
            file = ("--file", "compose/auth.yaml")
            alone.compose(*file, "up", "--detach", "--wait", seconds=stacks.UP_SECONDS)
            names = {
                name.removeprefix(f"{alone.project}-").rpartition("-")[0]
                for name in alone.containers()
            }
            own = {"auth", "auth-worker", "auth-relay", "auth-database"}
            assert names == own | {"gateway", "engine-filter", "broker", "cache"}
            body = {"email": "a@souk.example", "password": "correct horse stapler", "name": "Ada"}
            with alone.client() as client:
                keys = "/.well-known/jwks.json"
                wait_until(lambda: client.get(keys).is_success, seconds=30, what="auth found")
                assert client.post("/api/v1/auth/register", body).status_code == 201
                assert client.get("/api/v1/catalog/products").status_code == 503
        finally:
            alone.compose("--file", "compose/auth.yaml", "down", "--volumes", "--timeout", "5")
        stack.figures["auth alone, up and down"] = f"{time.monotonic() - started:.0f} s"
