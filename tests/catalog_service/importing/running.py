"""The import as a process of its own, and what it leaves."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Sum

from apps.catalog_service.models import Category, Product, Stock, StockMovement
from chassis.models import OutboxEvent

ROOT = Path(__file__).resolve().parent.parent.parent.parent
HEADER = "sku,name,price,category\n"
ROW = "A-1,Tea pot,19.90,Kitchen\n"


class Outcome(NamedTuple):
    """What the command printed."""

    out: list[str]
    err: list[str]

    @property
    def summary(self) -> str:
        return self.out[-1]


def write_many(path: Path, count: int, *, price: str = "1.00", first: int = 0) -> Path:
    """Write a CSV of so many products."""
    with path.open("w") as file:
        file.write(HEADER)
        file.writelines(
            f"SKU-{number:06d},Product {number},{price},Category {number % 5}\n"
            for number in range(first, first + count)
        )
    return path


def start(path: Path, *options: str, **streams: Any) -> subprocess.Popen[str]:
    """Start the command on the test's database."""
    parts = connection.get_connection_params()
    url = "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**parts)
    return subprocess.Popen(
        [sys.executable, "manage.py", "catalog", "import_products", str(path), *options],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "SOUK_HOME": str(path.parent / "no-platform")},
        text=True,
        **{
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **streams,
        },
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, Outcome]:
    """Wait for the process; return its exit code and what it printed."""
    out, err = process.communicate(timeout=150)
    return process.returncode, Outcome(out.splitlines(), err.splitlines())


def assert_consistent() -> None:
    """Each product has its stock row, the ledger sums to it, and its first event is its creation."""
    sums = {
        row["product_id"]: (row["on_hand_sum"], row["reserved_sum"])
        for row in StockMovement.objects.values("product_id").annotate(
            on_hand_sum=Sum("on_hand"), reserved_sum=Sum("reserved")
        )
    }
    stock = {row.product_id: (row.on_hand, row.reserved) for row in Stock.objects.all()}
    products = set(Product.objects.values_list("id", flat=True))
    assert set(stock) == products
    assert stock == {id_: sums.get(id_, (0, 0)) for id_ in products}
    created = OutboxEvent.objects.filter(type="product.created", sequence=1)
    assert sorted(created.values_list("subject", flat=True)) == sorted(map(str, products))


def assert_nothing() -> None:
    """The database is as empty as it was."""
    for model in (Category, Product, Stock, StockMovement, OutboxEvent):
        assert not model.objects.exists(), model


def values_of(sku: str) -> dict[str, Any]:
    """Return what is stored of a product."""
    fields = "name slug price currency description image_url attributes status category__name"
    return dict(Product.objects.values(*fields.split()).get(sku=sku))


def wait_until(holds: Callable[[], Any]) -> None:
    """Wait; fail after some time."""
    deadline = time.monotonic() + 40
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def someone_waits() -> bool:
    """Tell whether a session of this database waits for a lock.

    Other tests run on the same server. Of pg_stat_activity a transaction sees one moment only, and a
    lock of a transaction names no database: but who waits for one holds others, which do.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid IN ("
            "SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()))"
        )
        return bool(cursor.fetchone()[0])
