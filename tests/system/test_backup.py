"""Each service's database is restored to an earlier time: the audit tells what differs, and what can be healed is."""

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from local.home import SERVICES
from tests.system.conftest import hold_ports, kept
from tests.system.platform import ORDERS, ROOT, Client, Finished, Platform, wait_until

# The story is told once, by whichever test comes first.
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

ROLES: Final = ("web", "worker", "relay")
HEAL_SECONDS: Final = 150
"""A handler that fails is tried again for two minutes, and a sweep comes every 15 seconds."""
PRODUCTS: Final = "/api/v1/catalog/products"

Found = set[tuple[str, str | None]]


@dataclass
class Shop:
    """A platform with a backup made while customers bought, and what happened after it."""

    platform: Platform
    backup: Path
    before: datetime
    """A little before the backup."""
    product: Mapping[str, Any]
    orders: Mapping[str, str]
    """Of after the backup, by what became of them."""
    newcomer: Client
    """Who registered after it."""
    restored: list[str] = field(default_factory=list)
    """What the audit is told of restores that were seen to."""

    def run(self, *arguments: str) -> str:
        """Run a command of the operator's; return what it printed."""
        finished = self.platform.run(*arguments)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    def restore(self, service: str) -> tuple[Found, Found]:
        """Restore a service's database; return what then differs, and what does once it is seen to."""
        script(self.platform, "restore.sh", "local", service, str(self.backup / f"{service}.dump"))
        over = datetime.now(UTC).isoformat()
        for role in ROLES:
            self.platform.restart(service, role)
        self.platform.wait_until_well()
        self._wait_for_sweeps()
        found = self.differences()
        self.restored += ["--restored", f"{service}={self.before.isoformat()}/{over}"]
        return found, self.differences()

    def differences(self) -> Found:
        """Return the kind of each mismatch, and its order or type of event."""
        finished = self.platform.run("audit", "--json", "--pending", "0", *self.restored)
        assert finished.returncode in {0, 1}, finished.stderr
        found = json.loads(finished.stdout)["mismatches"]
        return {(one["kind"], one["ids"].get("order", one["ids"].get("type"))) for one in found}

    def heal(self) -> Found:
        """Wait until nothing differs any more; return what does."""
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self.differences(), seconds=HEAL_SECONDS, what="no mismatch")
        return self.differences()

    def scalar(self, service: str, statement: str, *values: object) -> Any:
        url = self.platform.plan.variables(service)["DATABASE_URL"]
        with psycopg.connect(url) as connection:
            row = connection.execute(statement.encode(), values).fetchone()
        return row and row[0]

    def known_name(self) -> str:
        """Return what order calls the product."""
        statement = "SELECT name FROM known_product WHERE sku = %s"
        return str(self.scalar("order", statement, self.product["sku"]))

    def epoch(self) -> str:
        """Return of which history of catalog's order knows."""
        statement = "SELECT epoch FROM event_cursor WHERE source = 'catalog'"
        return str(self.scalar("order", statement))

    def _wait_for_sweeps(self) -> None:
        """Return when every consumer has read every publisher to its end since now."""
        now = datetime.now(UTC)
        behind = "SELECT count(*) FROM event_cursor WHERE swept_at < %s"
        wait_until(
            lambda: not any(self.scalar(one, behind, now) for one in ("catalog", "order")),
            seconds=60,
            what="every publisher swept",
        )


def script(platform: Platform, name: str, *arguments: str, succeeds: bool = True) -> Finished:
    """Run one of the operator's scripts."""
    finished = subprocess.run(
        [ROOT / "deploy" / name, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SOUK_HOME": str(platform.home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (finished.returncode == 0) is succeeds, finished.stdout + finished.stderr
    return finished


@contextlib.contextmanager
def buying(platform: Platform, product: Mapping[str, Any]) -> Iterator[list[int]]:
    """Let a customer buy for as long as the block runs; give the answers' statuses."""
    customer = platform.register()
    ended = threading.Event()
    statuses: list[int] = []

    def buy() -> None:
        while not ended.is_set():
            placed = customer.place(product["sku"])
            statuses.append(placed.status_code)
            if placed.status_code == 201:
                statuses.append(customer.pay(placed.json()["id"]).status_code)

    thread = threading.Thread(target=buy)
    thread.start()
    try:
        wait_until(lambda: len(statuses) > 3, seconds=30, what="orders")
        yield statuses
    finally:
        ended.set()
        thread.join()


def open_shop(platform: Platform) -> Shop:
    """Back a platform up while a customer buys, and let things happen after that."""
    staff, customer = platform.demo_user("staff"), platform.register()
    product = staff.add_product(on_hand=1000)
    before = datetime.now(UTC)
    with buying(platform, product) as statuses:
        finished = script(platform, "backup.sh", "local", str(platform.home / "backups"))
        count = len(statuses)
        wait_until(lambda: len(statuses) > count + 6, seconds=30, what="orders after it")
    assert set(statuses) == {201}
    sold, cancelled = (customer.buy(product["sku"])["id"] for _ in range(2))
    assert customer.post(f"{ORDERS}/{cancelled}/cancel").status_code == 200
    placed = customer.place(product["sku"]).json()["id"]
    orders = {"sold": sold, "cancelled": cancelled, "placed": placed}
    folder = Path(finished.stdout.splitlines()[-1])
    shop = Shop(platform, folder, before, product, orders, platform.register())
    rename(shop, staff)
    return shop


def rename(shop: Shop, staff: Client) -> None:
    """Change the product, and wait until order knows of it."""
    answer = staff.http.patch(f"{PRODUCTS}/{shop.product['slug']}", json={"name": "Lost"})
    assert answer.status_code == 200, answer.text
    wait_until(lambda: shop.known_name() == "Lost", seconds=20, what="the name known")


@dataclass
class Told:
    """What an operator was told of one service's restore."""

    found: Found
    """By the audit."""
    left: Found
    """By the audit that knows of the restore."""
    healed: Found
    """By the audit after all was done."""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Story:
    """A shop whose services' databases were restored, one after the other."""

    shop: Shop
    first: Found
    """What differed before anything was restored."""
    told: dict[str, Told]


def restore_catalog(shop: Shop) -> Told:
    epoch = shop.epoch()
    found, left = shop.restore("catalog")
    facts: dict[str, Any] = {"epochs": (epoch, shop.epoch())}
    facts["reserved"] = shop.run("order", "reserve_again", "--since", shop.before.isoformat())
    shop.platform.run("catalog", "dead_letters", "redrive", "--all")  # there may be none
    healed = shop.heal()
    facts["ledger"] = shop.run("catalog", "check_ledger")
    before = shop.known_name()
    facts["relearned"] = shop.run("order", "relearn", "catalog")
    facts["names"] = (before, shop.known_name())
    return Told(found, left, healed, facts)


def restore_order(shop: Shop) -> Told:
    found, left = shop.restore("order")
    shop.run("catalog", "release_reservations", shop.orders["placed"])
    staff = shop.platform.demo_user("staff")
    for kind, order in left:
        if (
            kind == "reservation_status"
        ):  # placed before the backup, paid after it; its time may be over by now
            assert staff.post(f"{ORDERS}/{order}/cancel").status_code in {200, 409}
    return Told(found, left, shop.heal())


def restore_auth(shop: Shop) -> Told:
    found, left = shop.restore("auth")
    email, password = shop.newcomer.credentials
    body = {"email": email, "password": password}
    answer = shop.platform.client().post("/api/v1/auth/token", body)
    shop.platform.demo_user("customer").buy(shop.product["sku"])
    return Told(found, left, shop.heal(), {"log-in": answer.status_code})


def play(platform: Platform) -> Story:
    """Restore each service of a platform."""
    shop = open_shop(platform)
    first = shop.heal()
    return Story(
        shop,
        first,
        {
            "catalog": restore_catalog(shop),
            "order": restore_order(shop),
            "auth": restore_auth(shop),
        },
    )


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with kept("restored", OPEN_ORDERS_LIMIT="1000", SWEEP_SECONDS="2") as platform:
        hold_ports(platform)
        platform.first_output = platform.up()
        yield play(platform)


class TestBackup:
    def test_is_whole(self, story: Story) -> None:
        folder = story.shop.backup
        assert sorted(one.name for one in folder.iterdir()) == [
            "SHA256SUMS",
            "auth.dump",
            "catalog.dump",
            "files.tar",
            "media.tar",
            "order.dump",
        ]
        assert {one.stat().st_mode & 0o077 for one in folder.iterdir()} == {0}
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)

    def test_that_cannot_be_restored_changes_nothing(self, story: Story, tmp_path: Path) -> None:
        shop = story.shop
        whole = (shop.backup / "order.dump").read_bytes()
        half = tmp_path / "half.dump"
        half.write_bytes(whole[: len(whole) // 2])
        orders = shop.scalar("order", "SELECT count(*) FROM orders")
        failed = script(shop.platform, "restore.sh", "local", "order", str(half), succeeds=False)
        assert "pg_restore: error" in failed.stderr
        assert shop.scalar("order", "SELECT count(*) FROM orders") == orders

    def test_was_made_of_a_shop_without_a_mismatch(self, story: Story) -> None:
        assert story.first == set()


class TestRestored:
    @pytest.mark.parametrize("service", SERVICES)
    def test_differs_from_the_others_until_it_is_seen_to(self, story: Story, service: str) -> None:
        told = story.told[service]
        assert "event_unknown" in {kind for kind, _ in told.found}
        assert "event_unknown" not in {kind for kind, _ in told.left}
        assert told.healed == set()

    @pytest.mark.parametrize("service", SERVICES)
    def test_leaves_the_former_database(self, story: Story, service: str) -> None:
        url = story.shop.platform.row("platform", "postgres")["url"]
        with psycopg.connect(url) as connection:
            rows = connection.execute("SELECT datname FROM pg_database").fetchall()
        assert any(name.startswith(f"souk_{service}_before_") for (name,) in rows)


class TestCatalog:
    def test_has_forgotten_what_it_promised(self, story: Story) -> None:
        """What became of the one that was sold may be under way: its event finds no reservation, and is tried again."""
        missing = ("reservation_missing", story.shop.orders["placed"])
        assert missing in story.told["catalog"].found

    def test_is_asked_for_it_again(self, story: Story) -> None:
        facts = story.told["catalog"].facts
        assert facts["reserved"].startswith("Catalog knows the reservations of ")
        assert facts["ledger"] == "The ledger sums up.\n"

    def test_begins_another_history(self, story: Story) -> None:
        before, after = story.told["catalog"].facts["epochs"]
        assert before != after

    def test_is_believed_again(self, story: Story) -> None:
        names = story.told["catalog"].facts["names"]
        assert names == ("Lost", story.shop.product["name"])


class TestOrder:
    def test_has_forgotten_what_catalog_keeps_for_it(self, story: Story) -> None:
        orders = story.shop.orders.values()
        expected = {("reservation_without_order", order) for order in orders}
        assert expected <= story.told["order"].found

    def test_holds_stock_that_somebody_must_free(self, story: Story) -> None:
        left = {one for one in story.told["order"].left if one[0] != "reservation_status"}
        assert left == {("reservation_without_order", story.shop.orders["placed"])}


class TestAuth:
    def test_does_not_know_who_came_since(self, story: Story) -> None:
        told = story.told["auth"]
        assert told.found == {("event_unknown", "user.registered")}
        assert told.facts["log-in"] == 401
