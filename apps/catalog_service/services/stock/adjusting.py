"""Adjusting stock: one product by hand, or many by a CSV file."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from apps.catalog_service.errors import StockFull, StockMoved, StockShort
from apps.catalog_service.models import MovementKind, Stock, StockMovement
from apps.catalog_service.selectors.products import find_product_id
from apps.catalog_service.services.importing import Listener, Refusal
from apps.catalog_service.services.importing.reading import Rows, SourceFile, open_rows
from apps.catalog_service.services.importing.rows import BadRow
from apps.catalog_service.services.stock import rows
from apps.catalog_service.services.stock.moving import MOST_ON_HAND, move_stock
from apps.catalog_service.services.stock.rows import Row
from chassis import audit, context

_BATCH: Final = 1000

# A file may wait for a product's stock longer than a request may.
_BEGIN: Final = "SET LOCAL lock_timeout = '1min'"
_LOCK: Final = """
SELECT product.sku, stock.product_id, stock.on_hand, stock.reserved
FROM stock JOIN product ON product.id = stock.product_id
WHERE product.sku = ANY(%s) ORDER BY stock.product_id FOR UPDATE OF stock
"""


@dataclass(slots=True)
class Summary:
    """What became of the rows; `unread` are columns that hold no field (see `reading.SourceFile`)."""

    adjusted: int = 0
    unchanged: int = 0
    bad: int = 0
    unread: list[str] = field(default_factory=list)


class _Kept(NamedTuple):
    """A product's stock, locked."""

    product_id: UUID
    on_hand: int
    reserved: int


def adjust_stock(
    *,
    slug: str,
    quantity: int,
    reason: str,
    actor: str,
    by: UUID | None = None,
    seen: int | None = None,
) -> None:
    """Add pieces to a product's stock, or take unreserved ones away. Not idempotent without `seen`.

    Args:
        slug: of the product.
        quantity: negative takes away.
        reason: in words.
        actor: who, as the ledger names them: `user:<id>`, or what runs by itself.
        by: the user, for the audit log; None for a command.
        seen: the id of the product's newest movement that the user knew of, 0 for none. With it, an
            adjustment since then refuses this one: a form that is sent twice adjusts once.

    Raises:
        NotFound: there is no such product.
        StockMoved: the stock was adjusted after `seen`.
        StockShort: less than is reserved would be left.
        StockFull: more would be on hand than can be counted.
    """
    with transaction.atomic(durable=True):
        product_id = find_product_id(slug)
        if seen is not None:
            _require_not_adjusted_since(seen, product_id)
        changes = {product_id: (quantity, 0)}
        if not move_stock(MovementKind.ADJUSTED, changes, actor=actor, reason=reason):
            if quantity > 0:
                raise StockFull(f"No more than {MOST_ON_HAND} pieces can be on hand")
            raise StockShort(f"{-quantity} pieces cannot be taken: fewer are unreserved")
        audit.record(
            "stock.adjusted",
            target_type="product",
            target_id=product_id,
            actor_id=by,
            quantity=quantity,
            reason=reason,
        )


def _require_not_adjusted_since(seen: int, product_id: UUID) -> None:
    """Refuse what was decided before another adjustment. Locks the stock, so that none comes between."""
    Stock.objects.select_for_update().filter(product_id=product_id).values_list("pk").first()
    newer = StockMovement.objects.filter(product_id=product_id, id__gt=seen)
    if newer.filter(kind=MovementKind.ADJUSTED).exists():
        raise StockMoved("The stock was adjusted meanwhile: look whether this is still wanted")


def adjust_from_file(
    path: Path,
    *,
    listener: Listener,
    actor: str,
    by: UUID | None = None,
    reason: str = "",
    name: str = "",
    mapping: Mapping[str, str] | None = None,
    dry_run: bool = False,
    after: int = 0,
    summary: Summary | None = None,
    note: Callable[[int, Summary], None] | None = None,
) -> Summary:
    """Adjust the stock of products as a CSV file says: by `quantity`, or to `on_hand` pieces.

    The file is read to its end first, so that one that is broken in the middle changes nothing. Then
    its rows are applied in transactions of 1,000, bad ones left out. Counts (`on_hand`) may be applied
    again; changes (`quantity`) add up when a file is run twice. Who must know how far it came, if it
    dies, notes that in the transaction of each batch, and has it go on from there.

    Args:
        path: the file.
        listener: is told of progress and bad rows.
        actor: who, as the ledger names them.
        by: the user, for the audit log; None for a command.
        reason: for rows without one; by default it names the file.
        name: what the user calls the file, by default the path's own name.
        mapping: which column holds a field that is called otherwise there.
        dry_run: take each batch back; a row then does not see what an earlier one of its sku would do.
        after: the row of the file after which to begin, as `note` was told.
        summary: what became of the rows up to that one.
        note: is called in the transaction of each batch, with the last row that is dealt with, and
            what became of the rows so far. What it raises takes the batch back.

    Raises:
        UnusableFile: nothing was adjusted.
    """
    name = name or path.name
    run = _Run(
        listener=listener,
        actor=actor,
        by=by,
        name=name,
        reason=(reason or f"Adjustment by {name}")[: rows.LONGEST_REASON],
        dry_run=dry_run,
        after=after,
        note=note or _note_nothing,
        summary=summary or Summary(),
    )
    with context.running(request_id=None, traceparent=None):
        with _open(path, mapping) as (source, raw_rows):
            run.read_all(source, raw_rows)
        with _open(path, mapping) as (_, raw_rows):
            run.apply_all(raw_rows)
    return run.summary


def _open(
    path: Path, mapping: Mapping[str, str] | None
) -> AbstractContextManager[tuple[SourceFile, Rows]]:
    return open_rows(
        path, form="csv", mapping=mapping or {}, fields=rows.FIELDS, required=rows.REQUIRED
    )


@dataclass(slots=True)
class _Run:
    """One file under way."""

    listener: Listener
    actor: str
    by: UUID | None
    name: str
    reason: str
    dry_run: bool
    after: int
    note: Callable[[int, Summary], None]
    summary: Summary
    _total: int = 0
    _dealt_with: int = 0

    def read_all(self, source: SourceFile, raw_rows: Rows) -> None:
        """Read the file to its end, and count its rows."""
        for self._total, _ in enumerate(raw_rows, start=1):
            if self._total % _BATCH == 0:
                self.listener.read(source.position, source.size)
        self.summary.unread = source.unread
        self.listener.read(source.position, source.size)

    def apply_all(self, raw_rows: Rows) -> None:
        for batch in _batches(self._good(raw_rows)):
            self._apply(batch)
            summary = self.summary
            done = summary.adjusted + summary.unchanged + summary.bad
            self.listener.applied(done, self._total)

    def _good(self, raw_rows: Rows) -> Iterator[tuple[int, Row]]:
        for raw in raw_rows:
            if raw.number <= self.after:
                continue
            # The next one begins a new batch, or joins the one that is not applied yet.
            self._dealt_with = raw.number - 1
            if isinstance(raw, Refusal):
                self._refuse(raw)
                continue
            try:
                yield raw.number, rows.parse(raw.values)
            except BadRow as error:
                self._refuse(Refusal(raw.number, str(error)))
            self._dealt_with = raw.number

    def _apply(self, batch: Mapping[str, tuple[int, Row]]) -> None:
        """Apply rows of different skus in one transaction."""
        with transaction.atomic(durable=True):
            kept = _lock(list(batch))
            changes: dict[UUID, tuple[int, int]] = {}
            reasons: dict[UUID, str] = {}
            for sku, (number, row) in batch.items():
                change = _change(row, kept.get(sku))
                if isinstance(change, str):
                    self._refuse(Refusal(number, change))
                elif change == 0:
                    self.summary.unchanged += 1
                else:
                    changes[kept[sku].product_id] = (change, 0)
                    reasons[kept[sku].product_id] = row.reason or self.reason
            self._move(changes, reasons)
            self.summary.adjusted += len(changes)
            self.note(self._dealt_with, self.summary)
            transaction.set_rollback(self.dry_run)

    def _move(self, changes: Mapping[UUID, tuple[int, int]], reasons: Mapping[UUID, str]) -> None:
        if not changes:
            return
        if not move_stock(MovementKind.ADJUSTED, changes, actor=self.actor, reason=reasons):
            raise RuntimeError("stock that is locked does not take a change that fits it")
        audit.record(
            "stock.adjusted",
            target_type="file",
            target_id=self.name,
            actor_id=self.by,
            products=len(changes),
        )

    def _refuse(self, refusal: Refusal) -> None:
        self.summary.bad += 1
        self.listener.refused(refusal)


def _note_nothing(_row: int, _summary: Summary) -> None:
    """Note nothing: whoever runs the file looks how far it came."""


def _batches(good: Iterable[tuple[int, Row]]) -> Iterator[dict[str, tuple[int, Row]]]:
    """Yield rows by the thousand; a sku that comes again begins a new batch, as it builds on the first."""
    batch: dict[str, tuple[int, Row]] = {}
    for number, row in good:
        if len(batch) == _BATCH or row.sku in batch:
            yield batch
            batch = {}
        batch[row.sku] = (number, row)
    if batch:
        yield batch


def _lock(skus: list[str]) -> dict[str, _Kept]:
    """Lock the products' stock until the transaction ends; return it by sku."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN)
        cursor.execute(_LOCK, [skus])
        return {sku: _Kept(*row) for sku, *row in cursor.fetchall()}


def _change(row: Row, kept: _Kept | None) -> int | str:
    """Return how many pieces to add, or why none can be."""
    if kept is None:
        return f"there is no product {row.sku}"
    change = row.quantity if row.on_hand is None else row.on_hand - kept.on_hand
    if kept.on_hand + change > MOST_ON_HAND:
        return f"no more than {MOST_ON_HAND} pieces can be on hand"
    if kept.on_hand + change < kept.reserved:
        return (
            f"{kept.on_hand + change} pieces would be left of {row.sku}, "
            f"of which {kept.reserved} are reserved"
        )
    return change
