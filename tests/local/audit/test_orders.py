"""Orders against reservations, payments and events: each way in which they may part is found."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local.audit import orders
from tests.local.audit.making import Row, Shop, ago, payment, uuid

BACK = [payment("refunded")]
FORMER = {"paid": True, "placed": True, "payments": BACK}

# Status, what else is so, and which reservations go with it (None is none).
FITTING = [
    ("pending", {}, [None, "reserved", "tombstone"]),
    ("placed", {}, ["reserved"]),
    ("paid", {}, ["committed"]),
    ("shipped", {}, ["committed"]),
    ("delivered", {}, ["committed"]),
    ("rejected", {}, [None, "tombstone", "released"]),
    ("cancelled", {}, [None, "tombstone", "released"]),
    ("cancelled", {"placed": True, "total": "19.90"}, ["released"]),
    ("cancelled", FORMER, ["returned", "released"]),
    ("refunded", {}, ["returned", "released", "committed"]),
    ("refunded", {"restock": True}, ["returned", "released"]),
    ("refunded", {"restock": False}, ["committed"]),
]
EVERY = [None, "reserved", "committed", "released", "returned", "tombstone"]


def audit(shop: Shop, folder: Path) -> list[str]:
    return [one.kind for one in shop.audit(folder).mismatches]


def shop_with(status: str, held: str | None, **changes: Any) -> Shop:
    shop = Shop()
    tombstone = held == "tombstone"
    shop.order(status, "released" if tombstone else held, **changes)
    if tombstone:
        shop.reservations[0]["lines"] = {}
    return shop


class TestReservation:
    @pytest.mark.parametrize(("status", "changes", "fitting"), FITTING)
    @pytest.mark.parametrize("held", EVERY)
    def test_is_what_the_orders_status_says(
        self, tmp_path: Path, status: str, changes: Row, fitting: list[str | None], held: str | None
    ) -> None:
        found = audit(shop_with(status, held, **changes), tmp_path)
        allowed = set(fitting) | ({"released"} if "tombstone" in fitting else set())
        if held in allowed:
            assert found == []
        elif held is None:
            assert found == ["reservation_missing"]
        elif held == "tombstone" and "released" in allowed:
            assert found == ["reservation_lines"]
        else:
            assert found[0] == "reservation_status"

    @pytest.mark.parametrize("lines", [{"LAMP": 3, "RUG": 1}, {"LAMP": 2}, {}])
    def test_has_the_orders_lines(self, tmp_path: Path, lines: dict[str, int]) -> None:
        shop = shop_with("paid", "committed")
        shop.reservations[0]["lines"] = lines
        (found,) = shop.audit(tmp_path).mismatches
        assert (found.kind, found.ids) == ("reservation_lines", {"order": uuid(1)})
        assert found.expected == "2 x LAMP, 1 x RUG"

    @pytest.mark.parametrize("status", ["reserved", "released"])
    def test_has_an_order(self, tmp_path: Path, status: str) -> None:
        shop = Shop()
        shop.reserve(status)
        assert audit(shop, tmp_path) == ["reservation_without_order"]

    @pytest.mark.parametrize("young", ["orders", "reservations"])
    def test_is_not_judged_while_the_order_changes(self, tmp_path: Path, young: str) -> None:
        shop = shop_with("paid", "reserved")
        getattr(shop, young)[0]["at"] = ago(30)
        findings = shop.audit(tmp_path)
        assert findings.mismatches == []
        assert findings.pending["orders"] == 1

    @pytest.mark.parametrize(
        ("state", "told"),
        [
            ("waiting", None),
            ("dead", "reserved (order.paid of catalog.commit_reservation is a dead letter)"),
            ("discarded", "reserved (order.paid of catalog.commit_reservation is discarded)"),
        ],
    )
    def test_of_an_order_whose_event_was_not_handled(
        self, tmp_path: Path, state: str, told: str | None
    ) -> None:
        shop = shop_with("paid", "reserved")
        event = shop.publish("order.paid", 3)
        shop.take("catalog.commit_reservation", event, state=state)
        shop.take("order.mail", event)
        assert [one.found for one in shop.audit(tmp_path).mismatches] == ([told] if told else [])


class TestEvent:
    @pytest.mark.parametrize("event", ["order.placed", None])
    def test_is_that_of_the_status(self, tmp_path: Path, event: str | None) -> None:
        assert audit(shop_with("paid", "committed", event=event), tmp_path) == ["order_event"]

    def test_of_a_pending_order_is_none(self, tmp_path: Path) -> None:
        assert audit(shop_with("pending", None, event="order.placed"), tmp_path) == ["order_event"]

    def test_may_be_deleted_when_it_is_old(self, tmp_path: Path) -> None:
        findings = shop_with("paid", "committed", event=None, at=ago(31 * 86_400)).audit(tmp_path)
        assert findings.mismatches == []
        assert findings.outside == {"orders whose events are no longer kept": 1}


DECLINED = payment("declined", 8)
OPEN = payment("pending", 7)


class TestPayments:
    @pytest.mark.parametrize(
        ("status", "changes", "kinds"),
        [
            ("paid", {}, []),
            ("paid", {"payments": [payment("succeeded"), DECLINED]}, []),
            ("paid", {"payments": [payment("succeeded"), payment("refunding", 8)]}, []),
            ("paid", {"payments": []}, ["payment_missing"]),
            ("shipped", {"payments": [DECLINED]}, ["payment_missing"]),
            ("delivered", {"payments": BACK}, ["payment_missing"]),
            (
                "paid",
                {"payments": [payment("succeeded"), payment("succeeded", 8)]},
                ["payment_missing"],
            ),
            ("paid", {"payments": [payment("succeeded", amount="19.89")]}, ["payment_amount"]),
            ("paid", {"payments": [payment("succeeded", currency="USD")]}, ["payment_amount"]),
            ("refunded", {"payments": [payment("refunded", amount="1.00")]}, ["payment_amount"]),
            ("placed", {}, []),
            ("placed", {"payments": [DECLINED]}, []),
            ("placed", {"payments": [OPEN], "in_flight": uuid(7)}, []),
            ("placed", {"payments": [payment("unknown", 7)], "in_flight": uuid(7)}, []),
            ("placed", {"payments": [OPEN]}, ["payment_open"]),
            ("placed", {"in_flight": uuid(7)}, ["payment_open"]),
            ("placed", {"payments": [payment("succeeded")]}, ["payment_kept"]),
            ("refunded", {"payments": [payment("succeeded")]}, ["payment_kept", "refund_missing"]),
            ("refunded", {"payments": []}, ["refund_missing"]),
            ("refunded", {"payments": [payment("refunding")]}, []),
            ("cancelled", {"placed": True, "total": "19.90"}, []),
            ("cancelled", FORMER, []),
            ("cancelled", {**FORMER, "payments": []}, ["refund_missing"]),
            ("cancelled", {**FORMER, "payments": [payment("succeeded"), *BACK]}, ["payment_kept"]),
            ("paid", {"total": "0.00", "payments": [payment("succeeded", amount="0.00")]}, []),
            ("paid", {"total": "0.00", "payments": []}, ["payment_missing"]),
        ],
    )
    def test_are_what_the_orders_status_says(
        self, status: str, changes: Row, kinds: list[str]
    ) -> None:
        order = Shop().order(status, None, **changes)
        assert [kind for kind, _, _ in orders.payment_mismatches(order)] == kinds

    def test_are_named(self, tmp_path: Path) -> None:
        shop = shop_with("paid", "committed", payments=[])
        (found,) = shop.audit(tmp_path).mismatches
        assert found.line() == (
            f"payment_missing: order {uuid(1)}: expected one payment of a paid order, found none"
        )

    def test_that_go_back_are_counted(self, tmp_path: Path) -> None:
        shop = shop_with("refunded", "returned", payments=[payment("refunding")])
        assert shop.audit(tmp_path).pending == Counter({"refunds": 1})

    def test_without_an_outcome_are_counted(self, tmp_path: Path) -> None:
        shop = shop_with("placed", "reserved", payments=[OPEN], in_flight=uuid(7))
        assert shop.audit(tmp_path).pending == Counter({"payments without an outcome": 1})


class TestPending:
    def test_are_counted_however_old(self, tmp_path: Path) -> None:
        findings = shop_with("pending", "reserved").audit(tmp_path)
        assert findings.pending == Counter({"orders not placed yet": 1})
        assert findings.mismatches == []


class TestStock:
    def test_that_is_not_its_ledgers_is_told(self, tmp_path: Path) -> None:
        shop = Shop()
        numbers = {"on_hand": 4, "reserved": 0, "ledger_on_hand": 5, "ledger_reserved": 0}
        made = {"kind": "stock", "product_id": uuid(3), "sku": "LAMP", **numbers, "promised": 0}
        shop.stock.append(made)
        findings = shop.audit(tmp_path)
        (found,) = findings.mismatches
        assert (found.kind, found.ids["sku"]) == ("stock_ledger", "LAMP")
        assert findings.compared["products' stock"] == 3
