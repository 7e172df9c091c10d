"""What auth counts of log-ins (chassis.metrics tells it)."""

from datetime import UTC, datetime

import pytest

from apps.auth_service.domain import attempts as rules
from apps.auth_service.errors import CredentialsInvalid, TooManyAttempts
from apps.auth_service.services import sessions
from tests.auth_service.factories import PASSWORD, make_user

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def counted():
    (family,) = sessions._LOG_INS.collect()
    samples = (sample for sample in family.samples if sample.name == "souk_log_ins_total")
    return {sample.labels["outcome"]: sample.value for sample in samples}


def refuse(email):
    """Show a wrong password; return how it is refused."""
    with pytest.raises((CredentialsInvalid, TooManyAttempts)) as refused:
        sessions.log_in(email=email, password="wrong", now=NOON)
    return refused.type


@pytest.mark.django_db(transaction=True)
class TestLogIns:
    def test_are_counted_by_what_came_of_them(self):
        email, before = make_user().email, counted()
        sessions.log_in(email=email, password=PASSWORD, now=NOON)
        while refuse(email) is CredentialsInvalid:
            pass
        added = {key: value - before.get(key, 0) for key, value in counted().items()}
        assert added == {"granted": 1, "refused": rules.PAIR.free, "too many": 1}
