"""Timed jobs, which the active relay runs, background work, what is deleted when its time is over, and what the audit and an operator are told."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from apps.catalog_service.selectors import audited, figures
from apps.catalog_service.services import alerts, ledger, orphans, sales, transfers
from chassis import audit_export, jobs, metrics, retention, work

metrics.tell_figures(figures.HELP, figures.read)


@jobs.every(15, name="catalog.refresh_popularity")
def refresh_popularity() -> None:
    sales.refresh_popularity(today=timezone.now().date())


@jobs.every(3600, name="catalog.recount_popularity")
def recount_popularity() -> None:
    sales.recount_popularity(today=timezone.now().date())


@jobs.every(15, name="catalog.clear_stock_alerts")
def clear_stock_alerts() -> None:
    alerts.clear_stock_alerts()


@jobs.every(60, name="catalog.watch_reservations")
def watch_reservations() -> None:
    alerts.watch_reservations(now=timezone.now())


@jobs.every(3600, name="catalog.watch_ledger")
def watch_ledger() -> None:
    ledger.watch()


@retention.rule("sales")
def delete_old_sales(now: datetime) -> int:
    """Delete sales that no chart shows any more."""
    return sales.delete_old(now=now)


@retention.rule("alerts")
def delete_cleared_alerts(now: datetime) -> int:
    """Delete alerts that have been over for long."""
    return alerts.delete_cleared(now=now)


@work.task(name="catalog.run_transfer", waiting=transfers.next_waiting)
def run_transfer(transfer_id: UUID, is_stopping: work.IsStopping) -> None:
    transfers.run(transfer_id, is_stopping)


@jobs.every(30, name="catalog.fail_lost_transfers")
def fail_lost_transfers() -> None:
    transfers.fail_lost()


@retention.rule("transfers")
def delete_old_transfers(now: datetime) -> int:
    """Delete transfers that are over for long, and their files."""
    return transfers.delete_old(now=now)


@retention.rule("orphans")
def delete_orphans(now: datetime) -> int:
    """Delete files that no row names."""
    return orphans.delete_orphans(now=now)


@audit_export.part("reservations")
def tell_reservations() -> Iterator[str]:
    """Yield every reservation, for the audit."""
    return audited.reservations()


@audit_export.part("stock")
def tell_stock() -> Iterator[str]:
    """Yield each stock that is not what its ledger sums up to, for the audit."""
    return ledger.tell()
