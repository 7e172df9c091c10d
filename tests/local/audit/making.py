"""Exports as three services would print them: a shop in which all is well, to be damaged."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.audit import command
from local.audit.exports import Export, open_export
from local.audit.findings import Findings
from local.audit.restored import Restored
from local.home import SERVICES

NOW = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
SETTLED = 3600
DAY_OF_IDS = datetime(1970, 1, 1, tzinfo=UTC)
"""When every id of these shops was made, by what it says."""

Row = dict[str, Any]

_SENDS: Mapping[str, Mapping[str, list[str]]] = {
    "auth": {"user.registered": ["order"]},
    "catalog": {"stock.low": ["catalog"], "product.created": ["auth"]},
    "order": {name: ["catalog", "order"] for name in ("order.placed", "order.paid")},
}
_HANDLERS: Mapping[str, Mapping[str, list[str]]] = {
    "auth": {},
    "catalog": {
        "order.placed": ["catalog.count_sales"],
        "order.paid": ["catalog.commit_reservation"],
        "stock.low": ["catalog.alert_low"],
    },
    "order": {
        "user.registered": ["order.remember_customer"],
        "order.placed": ["order.mail"],
        "order.paid": ["order.mail"],
    },
}


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


def uuid(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012d}"


class Shop:
    """The three services' rows; `audit` writes them down and compares them."""

    def __init__(self) -> None:
        self.heads: dict[str, Row] = {
            service: {
                "kind": "service",
                "format": 1,
                "service": service,
                "at": NOW.isoformat(),
                "outbox_days": 30,
                "inbox_days": 60,
                "sends": deepcopy(_SENDS[service]),
                "handlers": deepcopy(_HANDLERS[service]),
            }
            for service in SERVICES
        }
        self.outbox: dict[str, list[Row]] = {service: [] for service in SERVICES}
        self.inbox: dict[str, list[Row]] = {service: [] for service in SERVICES}
        self.orders: list[Row] = []
        self.reservations: list[Row] = []
        self.stock: list[Row] = []

    def publish(self, name: str, number: int, *, seconds: float = SETTLED, **changes: Any) -> Row:
        """Add an event to its publisher's outbox."""
        service = next(one for one in SERVICES if name in _SENDS[one])
        row = {
            "kind": "outbox",
            "id": uuid(number),
            "type": name,
            "subject": uuid(1),
            "sequence": 1,
            "time": ago(seconds),
            "position": len(self.outbox[service]) + 1,
            "published": True,
            **changes,
        }
        self.outbox[service].append(row)
        return row

    def take(self, consumer: str, event: Row, **changes: Any) -> Row:
        """Add an event to a consumer's inbox."""
        row = {
            "kind": "inbox",
            "event": event["id"],
            "consumer": consumer,
            "type": event["type"],
            "subject": event["subject"],
            "producer": next(one for one in SERVICES if event["type"] in _SENDS[one]),
            "time": event["time"],
            "received_at": event["time"],
            "state": "handled",
            **changes,
        }
        self.inbox[consumer.partition(".")[0]].append(row)
        return row

    def order(self, status: str, held: str | None, number: int = 1, **changes: Any) -> Row:
        """Add an order as it is in a status, with its reservation as it is in another."""
        paid = changes.get("paid", status in {"paid", "shipped", "delivered", "refunded"})
        placed = changes.get("placed", paid or status == "placed")
        money = {"paid": "succeeded", "shipped": "succeeded", "delivered": "succeeded"}
        row = {
            "kind": "order",
            "id": uuid(number),
            "status": status,
            "at": ago(SETTLED),
            "placed": placed,
            "paid": paid,
            "lines": {"LAMP": 2, "RUG": 1},
            "total": "19.90" if placed else None,
            "currency": "EUR",
            "in_flight": None,
            "payments": [payment(money.get(status, "refunded"))] if paid else [],
            "event": None if status == "pending" else f"order.{status}",
            "restock": None,
            **changes,
        }
        self.orders.append(row)
        if held is not None:
            self.reserve(held, number)
        return row

    def reserve(self, status: str, number: int = 1, **changes: Any) -> Row:
        """Add a reservation."""
        row = {
            "kind": "reservation",
            "order": uuid(number),
            "status": status,
            "is_cancelled": False,
            "at": ago(SETTLED),
            "lines": {"RUG": 1, "LAMP": 2},
            **changes,
        }
        self.reservations.append(row)
        return row

    def lines(self, service: str) -> list[Row]:
        """Return a service's export."""
        outbox = sorted(self.outbox[service], key=lambda row: row["id"])
        inbox = sorted(self.inbox[service], key=lambda row: row["event"])
        first_taken: dict[str, dict[str, str]] = {}
        for row in inbox:
            times = first_taken.setdefault(row["consumer"], {})
            times[row["type"]] = min(row["time"], times.get(row["type"], row["time"]))
        numbered = {"first": 1 if outbox else None, "last": len(outbox), "rows": len(outbox)}
        told = {"first_taken": first_taken, "numbered": numbered}
        head = {"kind": "service", **told, **self.heads[service]}
        own = {
            "auth": [],
            "catalog": [*self.reservations, {"kind": "ledger", "products": 3}, *self.stock],
            "order": self.orders,
        }[service]
        return [head, *outbox, *inbox, *own]

    def audit(
        self,
        folder: Path,
        *,
        pending: float = 60,
        restored: Sequence[Restored] = (),
        **began: datetime,
    ) -> Findings:
        """Compare what the services hold; `began` has consumers with two underscores for the dot."""
        given = {name.replace("__", "."): time for name, time in began.items()}
        return command.compare(self.exports(folder), given, pending, restored)

    def exports(self, folder: Path) -> list[Export]:
        """Write the exports down and open them."""
        return [
            open_export(write(folder / f"{service}.jsonl", self.lines(service)))
            for service in SERVICES
        ]


def payment(status: str, number: int = 9, **changes: Any) -> Row:
    """Return a payment of an order."""
    values = {"id": uuid(number), "status": status, "amount": "19.90", "currency": "EUR"}
    return {**values, **changes}


def write(path: Path, rows: list[Row]) -> Path:
    """Write an export with its end."""
    lines = [*rows, {"kind": "end", "lines": len(rows)}]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in lines), encoding="utf-8")
    return path
