"""How often one address may ask. A throttle is a courtesy to the machine: no Redis, no throttle."""

from typing import Any

import structlog
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from apps.auth_service import conf

log = structlog.get_logger()


class AddressThrottle(SimpleRateThrottle):
    """Counts by address. Fails open: log-in and registration work while Redis is down."""

    def get_cache_key(self, request: Request, view: Any) -> str:
        """Return the key that an address's requests are counted under."""
        return f"throttle:{self.scope}:{self.get_ident(request)}"

    def allow_request(self, request: Request, view: Any) -> bool:
        """Tell whether the address may ask once more."""
        try:
            return bool(super().allow_request(request, view))
        except RedisError as error:
            log.warning("throttle_skipped", scope=self.scope, error=type(error).__name__)
            return True


class LoginThrottle(AddressThrottle):
    """Bounds log-ins."""

    scope = "login"

    def get_rate(self) -> str:
        """Return the rate as DRF writes it."""
        return f"{conf.logins_per_minute()}/minute"


class RegistrationThrottle(AddressThrottle):
    """Bounds registrations."""

    scope = "registration"

    def get_rate(self) -> str:
        """Return the rate as DRF writes it."""
        return f"{conf.registrations_per_minute()}/minute"
