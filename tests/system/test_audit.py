"""An operator proves that nothing was lost or applied twice; damage done behind the services' backs is named."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import pytest

from tests.system.conftest import hold_ports, kept
from tests.system.platform import Client, Finished, Platform

pytestmark = pytest.mark.long

# The damage is to one order each: its name, the service, and what somebody does to the tables.
DAMAGE: Final[Mapping[str, tuple[str, str]]] = {
    "event_missing": (
        "catalog",
        "DELETE FROM inbox WHERE subject = %(order)s AND consumer = 'catalog.commit_reservation'",
    ),
    "event_unknown": (
        "order",
        (
            "UPDATE inbox SET event_id = gen_random_uuid()"
            " WHERE subject = %(order)s AND type = 'order.paid'"
        ),
    ),
    "event_stuck": ("order", "UPDATE inbox SET handled_at = NULL WHERE subject = %(order)s"),
    "order_event": (
        "order",
        "UPDATE orders SET status = 'shipped', shipped_at = now() WHERE id = %(order)s::uuid",
    ),
    "reservation_status": (
        "catalog",
        "UPDATE reservation SET status = 'released' WHERE order_id = %(order)s::uuid",
    ),
    "reservation_lines": (
        "catalog",
        "UPDATE reservation_line SET quantity = 3 WHERE reservation_id = %(order)s::uuid",
    ),
    "reservation_without_order": (
        "catalog",
        (
            "INSERT INTO reservation (order_id, status, created_at, expires_at)"
            " VALUES (%(product)s::uuid, 'reserved', now(), now())"
        ),
    ),
    "payment_missing": (
        "order",
        """
        WITH answers AS (
            DELETE FROM idempotency_record
            WHERE payment_id IN (SELECT id FROM payment WHERE order_id = %(order)s::uuid)
        ) DELETE FROM payment WHERE order_id = %(order)s::uuid
        """,
    ),
    "payment_amount": (
        "order",
        "UPDATE payment SET amount = amount - 1 WHERE order_id = %(order)s::uuid",
    ),
    "stock_ledger": (
        "catalog",
        "UPDATE stock SET on_hand = on_hand + 1 WHERE product_id = %(product)s::uuid",
    ),
}


@dataclass(frozen=True)
class Audited:
    """What `audit` said before and after the damage, and whose damage it is."""

    before: Finished
    after: Finished
    ids: Mapping[str, set[str]]

    def found(self, kind: str) -> list[dict[str, Any]]:
        """Return the mismatches of a kind that are about what was damaged so."""
        told = json.loads(self.after.stdout)["mismatches"]
        ids = self.ids[kind]
        return [one for one in told if one["kind"] == kind and ids & set(one["ids"].values())]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """Return a platform of these tests' own: what they damage stays so."""
    with kept("audited") as platform:
        hold_ports(platform)
        platform.first_output = platform.up("--demo")
        yield platform


def audit(platform: Platform, *options: str) -> Finished:
    """Audit a platform on which nothing goes on any more."""
    return platform.run("audit", "--pending", "0", *options)


def kinds(finished: Finished) -> list[str]:
    """Return the kinds of all mismatches told."""
    return sorted(one["kind"] for one in json.loads(finished.stdout)["mismatches"])


def damage(platform: Platform, service: str, statement: str, ids: Mapping[str, str]) -> None:
    url = platform.plan.variables(service)["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute(statement.encode(), ids).rowcount >= 1, statement


@pytest.fixture(scope="module")
def audited(platform: Platform, staff: Client, customer: Client) -> Audited:
    """Return what is said of a shop with an order for each damage, before it and after."""
    ids = {}
    for kind in DAMAGE:
        product = staff.add_product(on_hand=10)
        ids[kind] = {"order": customer.buy(product["sku"])["id"], "product": product["id"]}
        staff.wait_for_stock(product, on_hand=9)
    for one in ids.values():
        platform.event_log("order", one["order"], consumed=2)
    before = audit(platform)
    for kind, (service, statement) in DAMAGE.items():
        damage(platform, service, statement, ids[kind])
    return Audited(
        before, audit(platform, "--json"), {kind: set(one.values()) for kind, one in ids.items()}
    )


class TestAudit:
    def test_finds_nothing_where_all_is_well(self, audited: Audited) -> None:
        assert audited.before.returncode == 0, audited.before.stdout + audited.before.stderr
        assert audited.before.stdout.endswith("\nNo mismatch.\n")
        number = len(DAMAGE) + 1
        assert f"{number} reservations, {number} orders, {number} payments" in audited.before.stdout

    @pytest.mark.parametrize("kind", DAMAGE)
    def test_names_what_was_damaged(self, audited: Audited, kind: str) -> None:
        assert audited.after.returncode == 1, audited.after.stderr
        assert audited.found(kind), audited.after.stdout

    def test_of_files_says_the_same(
        self, audited: Audited, platform: Platform, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """As an operator does whose services run elsewhere."""
        folder = tmp_path_factory.mktemp("exports")
        files = []
        for service in ("order", "auth", "catalog"):
            finished = platform.run(service, "audit_export")
            assert finished.returncode == 0, finished.stderr
            files.append(folder / f"{service}.jsonl")
            files[-1].write_text(finished.stdout, encoding="utf-8")
        told = audit(platform, "--json", "--from", *map(str, files))
        assert told.returncode == 1
        assert kinds(told) == kinds(audited.after)
