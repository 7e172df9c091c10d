"""Orders against reservations, payments and events: each is where the order's status says it is."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from heapq import merge
from itertools import groupby
from typing import Final

from local.audit.exports import Export, Row, time_of
from local.audit.findings import UNDER_WAY, Findings
from local.audit.restored import Restored, has_forgotten, time_of_id

_NONE: Final = "none"

# What catalog must hold. A pending order's request may be under way, or have been given up. Of a
# cancelled or refunded one that was paid, the events may have swapped: it is released (ADR 0025).
_HELD: Final[Mapping[str, frozenset[str]]] = {
    "pending": frozenset({_NONE, "reserved", "released"}),
    "placed": frozenset({"reserved"}),
    "paid": frozenset({"committed"}),
    "shipped": frozenset({"committed"}),
    "delivered": frozenset({"committed"}),
    "rejected": frozenset({_NONE, "released"}),
}
_PAID_FOR: Final = frozenset({"paid", "shipped", "delivered"})
_OPEN: Final = frozenset({"pending", "unknown"})
_GOES_BACK: Final = frozenset({"refunding", "refunded"})
_SPREAD: Final = timedelta(hours=1)
"""By so much the time of an order's change and that of its event may differ: two clocks tell them."""


def compare(
    exports: Mapping[str, Export], findings: Findings, restored: Sequence[Restored] = ()
) -> None:
    """Walk through orders and reservations, side by side in the order of ids.

    Args:
        exports: of all services, by name.
        findings: what is added to.
        restored: services that have forgotten what they did in a time.
    """
    order, catalog = exports["order"], exports["catalog"]
    streams = (
        ((row["id"], row) for row in order.rows("order")),
        ((row["order"], row) for row in catalog.rows("reservation")),
    )
    together = merge(*streams, key=lambda entry: entry[0])
    for order_id, entries in groupby(together, key=lambda entry: entry[0]):
        by_kind = {row["kind"]: row for _, row in entries}
        made, held = by_kind.get("order"), by_kind.get("reservation")
        findings.compared["reservations"] += held is not None
        if held is not None and _is_left_by_restore(order_id, made, held, restored):
            findings.outside["closed reservations that a restored service left"] += 1
        else:
            _judge_reservation(order_id, made, held, findings)
        if made is not None:
            findings.compared["orders"] += 1
            findings.compared["payments"] += len(made["payments"])
            _judge_event(made, order, findings)
            for kind, expected, found in payment_mismatches(made):
                findings.add(kind, expected, found, order=order_id)
            findings.pending["orders not placed yet"] += made["status"] == "pending"
            statuses = [payment["status"] for payment in made["payments"]]
            findings.pending["payments without an outcome"] += sum(s in _OPEN for s in statuses)
            findings.pending["refunds"] += statuses.count("refunding")


def compare_stock(catalog: Export, findings: Findings) -> None:
    """Take over what catalog found of its own stock."""
    findings.compared["products' stock"] += sum(row["products"] for row in catalog.rows("ledger"))
    for row in catalog.rows("stock"):
        findings.add(
            "stock_ledger",
            f"{row['ledger_on_hand']} on hand, {row['ledger_reserved']} reserved by the ledger,"
            f" {row['promised']} by open reservations",
            f"{row['on_hand']} on hand, {row['reserved']} reserved",
            product=row["product_id"],
            sku=row["sku"],
        )


def _is_left_by_restore(
    order_id: str, order: Row | None, held: Row, restored: Sequence[Restored]
) -> bool:
    """Tell whether a reservation that holds no stock lacks its order, or its lines, by a restore alone."""
    if held["status"] == "reserved":
        return False
    if order is None:
        return has_forgotten(restored, "order", time_of_id(order_id))
    if held["status"] == "returned" and order["status"] == "cancelled" and not order["paid"]:
        # Its payment was forgotten, and it was cancelled since, by itself if by nobody.
        made, changed = time_of_id(order_id), time_of(order["at"])
        return any(
            one.service == "order" and made < one.until and one.since <= changed for one in restored
        )
    is_tombstone = held["status"] == "released" and not held["lines"]
    fits = is_tombstone and "released" in held_for(order)
    return fits and has_forgotten(restored, "catalog", time_of_id(order_id))


def _judge_reservation(
    order_id: str, order: Row | None, held: Row | None, findings: Findings
) -> None:
    why = findings.undone.get(order_id, "")
    changed = [time_of(row["at"]) for row in (order, held) if row is not None]
    if any(map(findings.is_young, changed)) or why == UNDER_WAY:
        findings.pending["orders"] += 1
        return
    told = f" ({why})" if why else ""
    for kind, expected, found in reservation_mismatches(order, held):
        findings.add(kind, expected, f"{found}{told}", order=order_id)


def reservation_mismatches(order: Row | None, held: Row | None) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong between an order and its reservation: kind, what is expected, what is found."""
    if order is None:
        assert held is not None
        yield "reservation_without_order", "an order", f"a {held['status']} reservation alone"
        return
    status = held["status"] if held is not None else _NONE
    expected = held_for(order)
    if status not in expected:
        kind = "reservation_status" if held is not None else "reservation_missing"
        yield kind, f"{_any_of(expected)} for a {order['status']} order", status
    # A tombstone has no lines; nothing was ever reserved for its order.
    if held is not None and (held["lines"] or order["placed"]) and held["lines"] != order["lines"]:
        yield "reservation_lines", _goods(order["lines"]), _goods(held["lines"])


def held_for(order: Row) -> frozenset[str]:
    """Return which statuses its reservation may have; "none" where it may have no reservation."""
    status = order["status"]
    if status == "cancelled":
        if order["paid"]:
            return frozenset({"returned", "released"})
        return frozenset({"released"}) if order["placed"] else frozenset({"released", _NONE})
    if status == "refunded":
        back, kept = frozenset({"returned", "released"}), frozenset({"committed"})
        # Whether goods came back is told by the event alone, which is not kept for ever.
        return {True: back, False: kept}.get(order["restock"], back | kept)
    return _HELD[status]


def payment_mismatches(order: Row) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong between an order and its payments: kind, what is expected, what is found."""
    payments = order["payments"]
    taken = [one for one in payments if one["status"] == "succeeded"]
    back = [one for one in payments if one["status"] in _GOES_BACK]
    status = order["status"]
    if status in _PAID_FOR and len(taken) != 1:
        yield "payment_missing", f"one payment of a {status} order", _told(payments)
    if status not in _PAID_FOR and taken:
        yield "payment_kept", f"no money kept for a {status} order", _told(taken)
    if (status == "refunded" or (status == "cancelled" and order["paid"])) and not back:
        yield "refund_missing", f"a refund of a {status} order", _told(payments)
    due = (order["total"], order["currency"])
    for one in [*taken, *back]:
        if (one["amount"], one["currency"]) != due:
            yield "payment_amount", f"{due[0]} {due[1]}", _told([one])
    unsettled = {one["id"] for one in payments if one["status"] in _OPEN}
    in_flight = {order["in_flight"]} - {None}
    if unsettled != in_flight:
        expected = " ".join(in_flight) or "no payment"
        yield "payment_open", f"{expected} without an outcome", " ".join(unsettled) or "none"


def _judge_event(order: Row, export: Export, findings: Findings) -> None:
    """Look whether the newest event of an order is that of its status: both were one transaction."""
    expected = None if order["status"] == "pending" else f"order.{order['status']}"
    if order["event"] == expected:
        return
    if order["event"] is None and time_of(order["at"]) < export.outbox_floor + _SPREAD:
        findings.outside["orders whose events are no longer kept"] += 1
        return
    findings.add(
        "order_event",
        f"{expected or 'no event'} as the last of a {order['status']} order",
        order["event"] or _NONE,
        order=order["id"],
    )


def _any_of(statuses: frozenset[str]) -> str:
    return " or ".join(sorted(statuses))


def _goods(lines: Mapping[str, int]) -> str:
    return ", ".join(f"{number} x {sku}" for sku, number in sorted(lines.items())) or _NONE


def _told(payments: list[Row]) -> str:
    return (
        ", ".join(
            f"{one['id']} {one['status']} {one['amount']} {one['currency']}" for one in payments
        )
        or _NONE
    )
