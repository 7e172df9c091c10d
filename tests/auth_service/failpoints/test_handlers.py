"""Every death of a worker while it handles an event: delivered again, the event has one effect."""

import pytest

from apps.auth_service.models import Counter
from chassis.events import declarations
from chassis.ids import uuid7
from tests.auth_service.factories import make_user
from tests.conftest import envelope
from tests.failpoints import kill_mail_handler

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

MAILS = {
    "user.password_reset_requested": "Set a new password",
    "user.registration_requested": "You have an account already",
}


class TestMail:
    @pytest.mark.parametrize("name", MAILS)
    def test_goes_out_once_and_counts_once(self, mail_folder, name):
        def prepare():
            address = make_user(email=f"{uuid7()}@shop.example").email
            return envelope(name, {"email": address, "by_staff": False}, address)

        kill_mail_handler(prepare, mail_folder, subject=MAILS[name], at_least=5)
        assert set(Counter.objects.values_list("count", flat=True)) == {1}


class TestCoverage:
    def test_is_of_every_event_that_the_service_handles(self):
        own = {name for name, one in declarations.published().items() if "auth" in one.consumers}
        assert set(MAILS) == own | set(declarations.consumed())
