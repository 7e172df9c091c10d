"""What a web process does beside its requests: keep the verification keys fresh."""

import threading
from collections.abc import Callable

import structlog
from django.db import close_old_connections

from chassis.database import is_unavailable
from chassis.rest import Unavailable
from chassis.tokens.keys import keyring

log = structlog.get_logger()


def start() -> None:
    """Load the kept keys, then go on refreshing them in a thread.

    Call it after the fork and before the first request, which could not be verified without keys.
    """
    _try(keyring.load)
    threading.Thread(target=_refresh_keys, daemon=True, name="keys").start()


def _refresh_keys() -> None:
    while True:
        if not keyring:
            _try(keyring.load)
        _try(keyring.refresh)
        keyring.wait_for_next_refresh()


def _try(step: Callable[[], None]) -> None:
    """Run one step; what fails is tried again at the next refresh."""
    try:
        step()
    except Unavailable as error:
        log.warning("keys_not_refreshed", error=str(error))
    except Exception as error:
        if is_unavailable(error):
            log.warning("keys_not_refreshed", error=str(error))
        else:
            log.exception("keys_not_refreshed")
    finally:
        close_old_connections()
