"""Products from a file: read as a stream, checked, staged, and applied in batches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from django.db import transaction

from apps.catalog_service import conf
from apps.catalog_service.services.importing import applying, staging
from apps.catalog_service.services.importing.reading import (
    FORMATS,
    RawRow,
    Refusal,
    Rows,
    SourceFile,
    UnusableFile,
    open_rows,
)
from apps.catalog_service.services.importing.rows import FIELDS, BadRow, Row, parse
from chassis import context

__all__ = [
    "FIELDS",
    "FORMATS",
    "Listener",
    "Refusal",
    "RowRefused",
    "Summary",
    "UnusableFile",
    "import_products",
]

_STAGED_AT_ONCE: Final = 2000
_LONGEST_REASON: Final = 200


@dataclass(slots=True)
class Summary:
    """What became of the rows. `superseded` ones have a later good row of their sku.

    `unread` are the columns of a CSV that hold no field (see `reading.SourceFile`).
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    bad: int = 0
    superseded: int = 0
    unread: list[str] = field(default_factory=list)


class Listener(Protocol):
    """Is told how an import goes on."""

    def read(self, position: int, size: int) -> None:
        """So many of the file's bytes are read."""

    def applied(self, rows: int, total: int) -> None:
        """So many of the good rows are applied."""

    def refused(self, refusal: Refusal) -> None:
        """A row is left out."""


class RowRefused(Exception):
    """A strict import met a bad row and left nothing."""


def import_products(
    path: Path,
    *,
    form: str,
    mapping: Mapping[str, str],
    listener: Listener,
    on_hand: int = 0,
    strict: bool = False,
    dry_run: bool = False,
    actor: str = applying.ACTOR,
) -> Summary:
    """Make and change products as a CSV or JSON file says; idempotent by sku.

    All rows are read and checked before the first one is applied, so a file that cannot be read to its
    end leaves nothing. Then batches of rows in sku order are a transaction each; with `strict` or
    `dry_run` one transaction is around all of them. Memory does not grow with the file.

    Args:
        path: the file.
        form: csv or json.
        mapping: where each field stands (see `reading.open_rows`).
        listener: is told of progress and bad rows.
        on_hand: pieces of each new product; others keep their stock.
        strict: stop at the first bad row and leave nothing.
        dry_run: do all of it and take it back.
        actor: who the ledger and the history of prices name: `user:<id>`, or what runs by itself.

    Raises:
        UnusableFile: nothing was imported.
        RowRefused: by a bad row under `strict`; nothing was imported.
    """
    summary = Summary()
    with context.running(request_id=None, traceparent=None), staging.staged():
        run = _Run(summary, listener, strict=strict)
        with open_rows(path, form=form, mapping=mapping) as (source, rows):
            run.stage_all(source, rows)
        summary.superseded = staging.settle()
        reason = f"Import of {path.name}"[:_LONGEST_REASON]
        apply = partial(applying.apply_batch, on_hand=on_hand, reason=reason, actor=actor)
        if strict or dry_run:
            with transaction.atomic(durable=True):
                run.apply_all(apply)
                transaction.set_rollback(dry_run)
        else:
            run.apply_all(apply)
    return summary


class _Run:
    """One import under way."""

    def __init__(self, summary: Summary, listener: Listener, *, strict: bool) -> None:
        self._summary = summary
        self._listener = listener
        self._strict = strict

    def stage_all(self, source: SourceFile, rows: Rows) -> None:
        good: list[tuple[int, Row]] = []
        for raw in rows:
            outcome = _checked(raw)
            if isinstance(outcome, Refusal):
                self._refuse(outcome)
            else:
                good.append((raw.number, outcome))
            if len(good) == _STAGED_AT_ONCE:
                staging.stage(good)
                good.clear()
            if raw.number % _STAGED_AT_ONCE == 0:
                self._listener.read(source.position, source.size)
        staging.stage(good)
        self._summary.unread = source.unread
        self._listener.read(source.position, source.size)

    def apply_all(self, apply: Callable[..., applying.Batch]) -> None:
        total, done = staging.count(), 0
        batch = apply(after="")
        while batch.rows:
            done += batch.rows
            self._note(batch)
            self._listener.applied(done, total)
            batch = apply(after=batch.last)

    def _note(self, batch: applying.Batch) -> None:
        for refusal in batch.refusals:
            self._refuse(refusal)
        summary = self._summary
        summary.created += batch.created
        summary.updated += batch.updated
        summary.unchanged += batch.rows - batch.created - batch.updated - len(batch.refusals)

    def _refuse(self, refusal: Refusal) -> None:
        self._summary.bad += 1
        self._listener.refused(refusal)
        if self._strict:
            raise RowRefused


def _checked(raw: RawRow | Refusal) -> Row | Refusal:
    if isinstance(raw, Refusal):
        return raw
    try:
        return parse(raw.values, currency=conf.currency())
    except BadRow as error:
        return Refusal(raw.number, str(error))
