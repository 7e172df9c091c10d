"""What a process asks of its database beyond queries: a pool, and whether a failure is the database's own."""

from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

UNAVAILABLE: Final = (OperationalError, InterfaceError)
"""What Django raises for a database that cannot be reached, or has no connection to spare."""

# SQLSTATEs (PostgreSQL, appendix A) that are about one statement: rolled back in favour of another
# transaction, object in use, limit exceeded, cancelled by its timeout.
_OF_A_STATEMENT: Final = ("40", "54", "55", "57014")


def is_unavailable(error: BaseException | None) -> bool:
    """Tell whether the database itself is in trouble, rather than one statement.

    A deadlock or a statement's timeout is an OperationalError as well, but not a reason to wait.
    """
    if not isinstance(error, UNAVAILABLE):
        return False
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return not state.startswith(_OF_A_STATEMENT)


def use_pool() -> None:
    """Let the threads of this process share a pool of connections. Call it before the first query.

    A command that runs and ends has one connection and no pool, so that it fails at once where
    there is no database.
    """
    connections.settings["default"]["OPTIONS"]["pool"] = settings.DB_POOL
