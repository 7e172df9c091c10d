"""Tell what the service holds, for `manage.py audit`."""

import os
import sys
from typing import Any, Final

from django.core.management.base import CommandError
from django.db import DatabaseError

from chassis import audit_export
from chassis.commands import CommandWithExamples, first_line
from chassis.database import UNAVAILABLE

_DESCRIPTION: Final = """\
Print what this service holds of events and of what follows from them, for `manage.py audit`: a JSON object
per line, all of one moment of the database, which is only read. Ids, types, statuses, quantities and sums;
no payload, no name, no address.

  service      which service, when, how long rows are kept (outbox_days, inbox_days), who is sent an event
               (sends: type, services), who handles it here (handlers: type, consumers)
  outbox       an event that it published: id, type, subject, sequence, time, position, published
  inbox        what a consumer did with an event: event, consumer, type, subject, producer, time (the event's),
               received_at, state: handled, discarded, dead, waiting (to be tried again), stuck (never will be)
  reservation  catalog's, by order: status, is_cancelled, at (its last change), lines (sku, quantity)
  ledger       catalog's: how many products were looked at. stock: each that is not what its ledger sums up to
  order        order's: status, at (its last change), placed, paid, lines, total, currency, in_flight (the
               payment without an outcome), payments (id, status, amount, currency), event (its newest event
               that is kept), restock (whether its goods came back with a refund)
  end          how many lines there are before it: without it the export is not whole
"""


class Command(CommandWithExamples):
    """Reads; changes nothing."""

    help = _DESCRIPTION
    examples = (("> order.jsonl", "Keep it, for `manage.py audit --from`."),)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the export.

        Raises:
            CommandError: the database failed, or nobody reads any more; what was printed is not whole.
        """
        try:
            audit_export.export(self.stdout.write)
            sys.stdout.flush()
        except BrokenPipeError as error:
            # Python would write what is left on its way out, and complain anew.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CommandError("The reader of the output went away before its end.") from error
        except UNAVAILABLE:
            raise
        except DatabaseError as error:
            raise CommandError(f"The database failed: {first_line(error)}") from error
