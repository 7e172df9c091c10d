"""How many wrong passwords are borne, and how long one waits after more (ADR 0015)."""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

FORGOTTEN_AFTER: Final = timedelta(hours=1)
"""Failures, and mails too, are counted from nothing again this long after the last one."""

KNOWN_ADDRESS_LIFETIME: Final = timedelta(days=30)
"""An address that the account was logged in from is known to it for this long."""

LONGEST_DELAY_SECONDS: Final = 900
_MOST_DOUBLINGS: Final = 10  # more than LONGEST_DELAY_SECONDS from any first delay


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures in a row cost nothing; the last of them, and each one more, costs a delay."""

    free: int
    first_delay_seconds: int
    leak_seconds: int | None = None
    """One failure is forgotten for each such time without another; None: all are, after an hour."""

    def delay(self, failures: int) -> timedelta:
        """Return how long no attempt is taken after so many failures in a row: doubling, and capped."""
        if failures < self.free:
            return timedelta(0)
        doublings = min(failures - self.free, _MOST_DOUBLINGS)
        seconds = min(self.first_delay_seconds * 2**doublings, LONGEST_DELAY_SECONDS)
        return timedelta(seconds=seconds)


PAIR: Final = Limit(free=5, first_delay_seconds=1)
"""One account from one address: a person who mistypes, or a guesser who stays."""

ACCOUNT: Final = Limit(free=15, first_delay_seconds=30)
"""One account from all addresses that it does not know: guessers who share the work."""

ADDRESS: Final = Limit(free=100, first_delay_seconds=1, leak_seconds=36)
"""One address and all accounts: a list of stolen passwords, or an office behind one address.

It leaks a hundred an hour, or an office's typing errors would pile up for days.
"""


def network_of(address: str | None) -> str | None:
    """Return what an address is counted as: of IPv6 the /64 that a line has to itself."""
    if address is None:
        return None
    parsed = ipaddress.ip_address(address)
    if parsed.version == 6:  # noqa: PLR2004 -- IPv6
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
