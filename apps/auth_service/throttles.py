"""How often one address may ask. A throttle is a courtesy to the machine: no Redis, no throttle."""

import ipaddress
from typing import Any, Final, cast

import structlog
from django.http import HttpRequest
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from apps.auth_service import conf
from apps.auth_service.domain.attempts import network_of

PASSWORD_RESETS_PER_MINUTE: Final = 10
CONFIRMATIONS_PER_MINUTE: Final = 10

log = structlog.get_logger()


def client_address(request: Request | HttpRequest) -> str | None:
    """Return the client's address as the gateway saw it, None where that is no address."""
    text = BaseThrottle().get_ident(cast("Request", request))  # it reads META alone
    try:
        address = ipaddress.ip_address(text.partition("%")[0])  # a link's name is no part of it
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


class AddressThrottle(SimpleRateThrottle):
    """Counts by address, of IPv6 by the line's network. Fails open: log-in and registration work while Redis is down."""

    def get_cache_key(self, request: Request, view: Any) -> str:
        """Return the key that an address's requests are counted under."""
        return f"throttle:{self.scope}:{network_of(client_address(request))}"

    def allow_request(self, request: Request, view: Any) -> bool:
        """Tell whether the address may ask once more."""
        try:
            return bool(super().allow_request(request, view))
        except RedisError as error:
            log.warning("throttle_skipped", scope=self.scope, error=type(error).__name__)
            return True


class LoginThrottle(AddressThrottle):
    """Bounds log-ins that succeed; those that fail are counted by `services.attempts`."""

    scope = "login"
    _has_succeeded = False

    def get_rate(self) -> str:
        """Return the rate as DRF writes it."""
        return f"{conf.logins_per_minute()}/minute"

    def throttle_success(self) -> bool:
        """Let the address ask; it counts once it has succeeded."""
        return bool(super().throttle_success()) if self._has_succeeded else True

    def count(self, request: Request, view: Any) -> None:
        """Count a log-in that succeeded."""
        self._has_succeeded = True
        self.allow_request(request, view)


class RegistrationThrottle(AddressThrottle):
    """Bounds registrations."""

    scope = "registration"

    def get_rate(self) -> str:
        """Return the rate as DRF writes it."""
        return f"{conf.registrations_per_minute()}/minute"


class ConfirmationThrottle(AddressThrottle):
    """Bounds passwords shown to confirm an address: each is hashed."""

    scope = "confirmation"

    def get_rate(self) -> str:
        """Return the rate as DRF writes it."""
        return f"{CONFIRMATIONS_PER_MINUTE}/minute"


class PasswordResetThrottle(AddressThrottle):
    """Bounds requests for a link that sets a new password."""

    scope = "password_reset"

    def get_rate(self) -> str:
        """Return the rate as DRF writes it."""
        return f"{PASSWORD_RESETS_PER_MINUTE}/minute"
