"""What a web process does beside its requests: keep the verification keys and the deny list fresh."""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from django.db import close_old_connections

from chassis.database import is_unavailable
from chassis.rest import Unavailable
from chassis.tokens.deny import RELOAD_SECONDS, UNLOADED_RELOAD_SECONDS, deny_list
from chassis.tokens.keys import keyring

_KEYS: Final = "keys_not_refreshed"
_DENY_LIST: Final = "deny_list_not_reloaded"

log = structlog.get_logger()


def start() -> None:
    """Load the kept keys and the deny list, then go on refreshing each in a thread of its own.

    Call it after the fork and before the first request, which could not be verified without them.
    """
    _try(keyring.load, failed=_KEYS)
    _try(deny_list.load, failed=_DENY_LIST)
    for name, work in (("keys", _refresh_keys), ("deny-list", _reload_deny_list)):
        threading.Thread(target=work, daemon=True, name=name).start()


def _refresh_keys() -> None:
    while True:
        if not keyring:
            _try(keyring.load, failed=_KEYS)
        _try(keyring.refresh, failed=_KEYS)
        keyring.wait_for_next_refresh()


def _reload_deny_list() -> None:
    while True:
        time.sleep(RELOAD_SECONDS if deny_list.loaded else UNLOADED_RELOAD_SECONDS)
        _try(deny_list.load, failed=_DENY_LIST)


def _try(step: Callable[[], None], *, failed: str) -> None:
    """Run one step; what fails is logged and tried again the next time."""
    try:
        step()
    except Unavailable as error:
        log.warning(failed, error=str(error))
    except Exception as error:
        if is_unavailable(error):
            log.warning(failed, error=str(error))
        else:
            log.exception(failed)
    finally:
        close_old_connections()
