"""What a service forgot, whose database was restored to an earlier time, is no mismatch once that is said."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from local.audit.restored import Restored, time_of_id
from tests.local.audit.making import DAY_OF_IDS, NOW, SETTLED, Shop, uuid

FORGOT = "closed reservations that a restored service left"


def restored(service: str, **changes: Any) -> list[Restored]:
    """Return that a service has forgotten all that it ever did."""
    return [Restored(service, **{"since": DAY_OF_IDS, "until": NOW, **changes})]


def shop_that_forgot_an_event() -> Shop:
    shop = Shop()
    event = shop.publish("order.placed", 1)
    shop.take("catalog.count_sales", event)
    shop.outbox["order"].clear()
    return shop


class TestEvent:
    def test_that_its_publisher_forgot_is_counted(self, tmp_path: Path) -> None:
        findings = shop_that_forgot_an_event().audit(tmp_path, restored=restored("order"))
        assert findings.mismatches == []
        assert findings.outside == {"inbox rows of events that a restored service forgot": 1}

    @pytest.mark.parametrize(
        "told",
        [
            restored("catalog"),
            restored("order", until=NOW - timedelta(seconds=SETTLED)),
            restored("order", since=NOW - timedelta(seconds=SETTLED - 1)),
        ],
        ids=["another's", "after it", "before it"],
    )
    def test_of_another_publisher_or_time_is_told(
        self, tmp_path: Path, told: list[Restored]
    ) -> None:
        (found,) = shop_that_forgot_an_event().audit(tmp_path, restored=told).mismatches
        assert found.kind == "event_unknown"

    def test_that_a_restored_consumer_lacks_is_told(self, tmp_path: Path) -> None:
        """Its sweep brings it: nothing has to be decided."""
        shop = Shop()
        shop.take("order.mail", shop.publish("order.placed", 1))
        findings = shop.audit(tmp_path, restored=restored("catalog"))
        assert [one.kind for one in findings.mismatches] == ["event_missing"]


class TestReservation:
    @pytest.mark.parametrize("status", ["released", "committed", "returned"])
    def test_of_a_forgotten_order_holds_nothing_any_more(self, tmp_path: Path, status: str) -> None:
        shop = Shop()
        shop.reserve(status)
        findings = shop.audit(tmp_path, restored=restored("order"))
        assert findings.mismatches == []
        assert findings.outside == {FORGOT: 1}

    def test_of_a_forgotten_order_that_still_holds_stock_is_told(self, tmp_path: Path) -> None:
        shop = Shop()
        shop.reserve("reserved")
        (found,) = shop.audit(tmp_path, restored=restored("order")).mismatches
        assert found.kind == "reservation_without_order"

    @pytest.mark.parametrize("told", [[], restored("order")])
    def test_of_an_id_that_no_service_made_is_told(
        self, tmp_path: Path, told: list[Restored]
    ) -> None:
        shop = Shop()
        shop.reserve("released", order="f7f6f5f4-0000-4000-8000-000000000001")
        (found,) = shop.audit(tmp_path, restored=told).mismatches
        assert found.kind == "reservation_without_order"

    def test_of_an_order_from_before_is_told(self, tmp_path: Path) -> None:
        shop = Shop()
        shop.reserve("released")
        told = restored("order", since=DAY_OF_IDS + timedelta(days=1))
        (found,) = shop.audit(tmp_path, restored=told).mismatches
        assert found.kind == "reservation_without_order"

    def test_that_was_forgotten_and_released_has_no_lines(self, tmp_path: Path) -> None:
        shop = Shop()
        shop.order("cancelled", "released", placed=True, total="19.90")
        shop.reservations[0]["lines"] = {}
        assert [one.kind for one in shop.audit(tmp_path).mismatches] == ["reservation_lines"]
        assert shop.audit(tmp_path, restored=restored("catalog")).mismatches == []

    def test_of_an_order_whose_payment_was_forgotten_came_back(self, tmp_path: Path) -> None:
        shop = Shop()
        shop.order("cancelled", "returned", placed=True, total="19.90")
        assert [one.kind for one in shop.audit(tmp_path).mismatches] == ["reservation_status"]
        assert shop.audit(tmp_path, restored=restored("order")).mismatches == []
        for told in (
            restored("catalog"),
            restored("order", since=NOW),
            restored("order", until=DAY_OF_IDS),
        ):
            (found,) = shop.audit(tmp_path, restored=told).mismatches
            assert found.kind == "reservation_status"

    def test_that_was_forgotten_and_is_owed_is_told(self, tmp_path: Path) -> None:
        shop = Shop()
        shop.order("paid", "released")
        shop.reservations[0]["lines"] = {}
        (found, _) = shop.audit(tmp_path, restored=restored("catalog")).mismatches
        assert found.kind == "reservation_status"

    def test_does_not_hide_what_else_is_wrong_with_the_order(self, tmp_path: Path) -> None:
        shop = Shop()
        shop.order("cancelled", "released", placed=True, total="19.90", event="order.placed")
        shop.reservations[0]["lines"] = {}
        (found,) = shop.audit(tmp_path, restored=restored("catalog")).mismatches
        assert found.kind == "order_event"


class TestTime:
    def test_of_an_id_is_its_first_48_bits(self) -> None:
        assert time_of_id(uuid(1)) == DAY_OF_IDS
        # The example of RFC 9562, appendix A.6.
        told = time_of_id("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
        assert told == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)

    @pytest.mark.parametrize(
        "text", ["f7f6f5f4-0000-4000-8000-000000000001", str(UUID(int=2**128 - 1))]
    )
    def test_of_an_id_that_no_service_made_is_one_all_the_same(self, text: str) -> None:
        assert time_of_id(text).year == 9999
