"""What auth publishes, to whom."""

import pytest

from apps.auth_service import events
from chassis.events import declarations


class TestPublished:
    @pytest.mark.parametrize(
        ("name", "payload", "consumers"),
        [
            ("user.registered", events.UserRegistered, ("order",)),
            ("user.updated", events.UserUpdated, ("order",)),
            ("user.role_changed", events.UserRoleChanged, ("catalog", "order")),
            ("user.deactivated", events.UserDeactivated, ("catalog", "order")),
            ("user.password_reset_requested", events.PasswordResetRequested, ("auth",)),
            ("user.registration_requested", events.RegistrationRequested, ("auth",)),
        ],
    )
    def test_goes_to_services_that_handle_it(self, name, payload, consumers):
        declared = declarations.published()[name]
        assert (declared.version, declared.payload) == (1, payload)
        assert declared.consumers == consumers
