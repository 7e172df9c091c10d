"""One real platform on this machine, driven as its users and its operator drive it."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import psutil

from local import lifecycle, processes, readiness, status
from local.home import Home
from local.plan import Plan, Process

ROOT: Final = Path(__file__).resolve().parent.parent.parent
UP_SECONDS: Final = 150
ORDERS: Final = "/api/v1/orders"
PRODUCTS: Final = "/api/v1/catalog/products"
ADDRESS: Final = {
    "name": "Ada Lovelace",
    "line1": "Keizersgracht 1",
    "city": "Amsterdam",
    "postal_code": "1015 CN",
    "country": "NL",
}

Row = dict[str, Any]
Finished = subprocess.CompletedProcess[str]


def wait_until(holds: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """Return the first true value of `holds`; fail when it has none in time."""
    deadline = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return value


def manage(
    *arguments: str, home: Path | str, port: int, seconds: float = UP_SECONDS, **variables: str
) -> Finished:
    """Run a command of manage.py with the environment of somebody who has just cloned Souk."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**clean_environment(home, port), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def command_line(process: psutil.Process) -> str:
    """Return the command line of a process, which may be gone by now."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def clean_environment(home: Path | str, port: int) -> dict[str, str]:
    """Return an environment that holds no setting of a service."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    return {**kept, "SOUK_HOME": str(home), "SOUK_PORT": str(port), "COLUMNS": "200"}


class Platform:
    """A home and a port. `up` starts what the tests ask for; the keeper (conftest) ends it."""

    def __init__(self, home: Path, port: int, **variables: str) -> None:
        """Start nothing yet; the operator's variables are those of every command."""
        self.home = home
        self.port = port
        self.variables = variables
        self.first_output = ""
        self._home = Home(home)
        self._clients: list[Client] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def plan(self) -> Plan:
        plan = lifecycle.current_plan(self._home)
        assert plan is not None, "the platform was never started"
        return plan

    @property
    def private_url(self) -> str:
        return self.plan.private_url

    # The operator

    def run(self, *arguments: str, seconds: float = UP_SECONDS, **variables: str) -> Finished:
        """Run a command of manage.py for this platform."""
        given = {**self.variables, **variables}
        return manage(*arguments, home=self.home, port=self.port, seconds=seconds, **given)

    def up(self, *options: str) -> str:
        """Start it, or meet it running; return what was printed."""
        return self._succeed("up", "--detach", *options)

    def down(self) -> str:
        """Stop it; return what was printed."""
        return self._succeed("down")

    def status(self) -> dict[str, Any]:
        """Return what `status --json` prints."""
        value: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return value

    def event_log(self, service: str, subject: str, *, consumed: int = 0) -> dict[str, list[Row]]:
        """Return what the service published and handled about an order, once that is done.

        A service does not know what is still on its way to it: `consumed` is how much must have come.
        """
        options = ("--subject", subject, "--wait", "20", "--json")
        log: dict[str, list[Row]] = {}

        def is_whole() -> bool:
            log.update(json.loads(self._succeed(service, "event_log", *options)))
            return len(log["handled"]) >= consumed

        wait_until(is_whole, seconds=30, what=f"{consumed} events handled by {service}")
        return log

    def rows(self) -> list[Row]:
        """Return the processes of the status, without starting a command."""
        found: list[Row] = status.read_status(self._home)[1]["processes"]
        return found

    def row(self, service: str, role: str) -> Row:
        """Return what `rows` says of the first process of a service in a role, asking it alone."""
        plan, process = self.plan, self.process(service, role)
        info = lifecycle.supervisor_of(plan).processes()[process.name]
        ready = readiness.is_ready(plan, process, info.pid)
        state = "running" if ready else "not ready"
        return {"pid": info.pid, "state": state, "restarts": info.restarts, "url": process.url}

    def system_processes(self) -> list[psutil.Process]:
        """Return every process of the platform, supervisord and children of servers too."""
        return processes.find(self._home)

    def wait_until_well(self, seconds: float = 60, *, but: AbstractSet[str] = frozenset()) -> None:
        """Return when every process does its work, but for those that are in some other states."""
        wait_until(
            lambda: all(row["state"] in {"running", *but} for row in self.rows()),
            seconds=seconds,
            what="every process running",
        )

    def kill(self, service: str, role: str) -> Row:
        """Kill a process without a warning; return what the status said of it before."""
        row = self.row(service, role)
        os.kill(row["pid"], signal.SIGKILL)
        return row

    def kill_everything(self) -> None:
        """Kill every process, the process manager first, as the end of the machine would."""
        wait_until(self._kill_those_found, seconds=30, what="every process killed")

    def _kill_those_found(self) -> bool:
        """Kill what there is; return whether that was nothing, for what is killed may have begun more."""
        found = self.system_processes()
        found.sort(key=lambda process: "supervise.py" not in command_line(process))
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=5)
        return not found

    def process(self, service: str, role: str) -> Process:
        """Return a process of the plan."""
        return next(p for p in self.plan.processes() if (p.service, p.role) == (service, role))

    def stop_process(self, service: str, role: str) -> None:
        """Stop a process for good: nothing starts it again."""
        process = self.process(service, role)
        lifecycle.supervisor_of(self.plan).stop_process(process)
        wait_until(
            lambda: self.row(service, role)["pid"] is None,
            seconds=process.stop_seconds + 5,
            what=f"{process.name} stopped",
        )

    def start_process(self, service: str, role: str) -> None:
        """Start a process again; return at once."""
        lifecycle.supervisor_of(self.plan).start_process(self.process(service, role))

    @contextlib.contextmanager
    def without(self, service: str, *roles: str) -> Iterator[None]:
        """Run the block with processes of a service stopped; leave everything well, also when it fails."""
        try:
            for role in roles:
                self.stop_process(service, role)
            yield
        finally:
            for role in roles:
                if self.row(service, role)["pid"] is None:
                    self.start_process(service, role)
            self.wait_until_well(but={"stopped"})  # blocks may be nested

    @contextlib.contextmanager
    def frozen(self, service: str, role: str) -> Iterator[None]:
        """Run the block with a process and its children stopped in their tracks (SIGSTOP).

        They keep their ports and connections, and answer nothing.
        """
        process = psutil.Process(self.row(service, role)["pid"])
        family = [process, *process.children(recursive=True)]
        try:
            for one in family:
                one.suspend()
            yield
        finally:
            # The children first: gunicorn's master looks for how long its worker did not move.
            for one in reversed(family):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.resume()
            self.wait_until_well()

    def restart(self, service: str, role: str) -> None:
        """Kill a process without a warning; return when the next one is ready."""
        before = self.kill(service, role)

        def is_back() -> bool:
            row = self.row(service, role)
            return row["state"] == "running" and bool(row["pid"] != before["pid"])

        wait_until(is_back, seconds=60, what=f"{service} {role} ready again")

    def circuits(self, service: str) -> dict[str, str]:
        """Return what a service's web process says of its circuits."""
        url = f"{self.row(service, 'web')['url']}/health/ready"
        found: dict[str, str] = httpx.get(url, trust_env=False).json()["circuits"]
        return found

    def _succeed(self, *arguments: str) -> str:
        finished = self.run(*arguments)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    # The users

    def client(self, token: str = "") -> "Client":
        """Return a client of the gateway, with an access token or without."""
        client = Client(self.url, token)
        self._clients.append(client)
        return client

    def close_clients(self) -> None:
        """Close the connections of every client that was given out."""
        while self._clients:
            self._clients.pop().http.close()

    def register(self) -> "Client":
        """Register a customer and log in."""
        email, password = f"{uuid4().hex}@souk.example", secrets.token_urlsafe(18)
        client = self.client()
        body = {"email": email, "password": password, "name": "Ada Lovelace"}
        answer = client.post("/api/v1/auth/register", body)
        assert answer.status_code == 201, answer.text
        return client.log_in(email, password)

    def demo_user(self, role: str) -> "Client":
        """Log in as the demo user of a role."""
        password = self.plan.secrets["demo_password"]
        return self.client().log_in(f"{role}@souk.example", password)


class Client:
    """A client of the gateway; `grant` is the answer of its log-in."""

    def __init__(self, url: str, token: str = "") -> None:
        """Open no connection yet."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)
        self.grant: dict[str, Any] = {}
        self.credentials: tuple[str, str] = ("", "")

    def log_in(self, email: str, password: str) -> "Client":
        """Log in and send the token from now on; return this client."""
        answer = self.post("/api/v1/auth/token", {"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        self.grant = answer.json()
        self.credentials = (email, password)
        self.http.headers["Authorization"] = f"Bearer {self.grant['access']}"
        return self

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Read."""
        return self.http.get(path, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send JSON."""
        return self.http.post(path, json=body, headers=headers)

    def place(self, sku: str, quantity: Any = 1, *, key: str | None = None) -> httpx.Response:
        """Send an order, under a new key unless one is given."""
        body = {"lines": [{"sku": sku, "quantity": quantity}], "shipping_address": ADDRESS}
        return self.post(ORDERS, body, **{"Idempotency-Key": key or str(uuid4())})

    def pay(self, order_id: str) -> httpx.Response:
        """Pay an order, under a new key."""
        body = {"method": "sandbox", "token": "tok_ok"}
        path = f"{ORDERS}/{order_id}/payments"
        return self.post(path, body, **{"Idempotency-Key": str(uuid4())})

    def buy(self, sku: str, quantity: int = 1, *, until: float = 0) -> dict[str, Any]:
        """Place an order and pay it; return it as it then is.

        Until a time on the monotonic clock, a 503 that asks to come again is obeyed.
        """
        key = str(uuid4())
        placed = self.place(sku, quantity, key=key)
        while placed.status_code == 503 and time.monotonic() < until:
            assert placed.headers["Retry-After"] == "1"
            time.sleep(min(1, max(0, until - time.monotonic())))
            placed = self.place(sku, quantity, key=key)
        assert (placed.status_code, placed.json().get("status")) == (201, "placed"), placed.text
        paid = self.pay(placed.json()["id"])
        assert paid.status_code == 201, paid.text
        order: dict[str, Any] = self.get(f"{ORDERS}/{placed.json()['id']}").json()
        assert order["status"] == "paid", order
        return order

    def all_products(self) -> list[dict[str, Any]]:
        """Return the products of every page."""
        page = self.get(f"{PRODUCTS}?sort=name&limit=100").json()
        found: list[dict[str, Any]] = page["results"]
        while page["next"]:
            page = self.http.get(page["next"]).json()
            found += page["results"]
        return found

    def add_product(self, *, on_hand: int = 1000, price: str = "19.90") -> Mapping[str, Any]:
        """Add a product with stock, as staff; return it."""
        sku = f"T-{uuid4().hex[:12]}"
        category = self.post("/api/v1/catalog/categories", {"name": f"Test {sku}"})
        assert category.status_code == 201, category.text
        body = {
            "sku": sku,
            "name": f"Lantern {sku}",
            "category": category.json()["slug"],
            "price": price,
            "currency": "EUR",
            "status": "active",
        }
        product = self.post(PRODUCTS, body)
        assert product.status_code == 201, product.text
        made: dict[str, Any] = product.json()
        if on_hand:
            path = f"{PRODUCTS}/{made['slug']}/stock/adjustments"
            adjusted = self.post(path, {"quantity": on_hand, "reason": "delivery"})
            assert adjusted.status_code == 201, adjusted.text
        return made

    def stock(self, product: Mapping[str, Any]) -> dict[str, int]:
        """Return a product's stock, as staff."""
        answer = self.get(f"{PRODUCTS}/{product['slug']}/stock")
        assert answer.status_code == 200, answer.text
        stock: dict[str, int] = answer.json()
        return stock

    def wait_for_stock(
        self, product: Mapping[str, Any], *, on_hand: int, seconds: float = 20
    ) -> dict[str, int]:
        """Return the stock once all that was paid is committed."""
        wanted = {"on_hand": on_hand, "reserved": 0, "available": on_hand}
        wait_until(lambda: self.stock(product) == wanted, seconds=seconds, what=f"stock {wanted}")
        return wanted
