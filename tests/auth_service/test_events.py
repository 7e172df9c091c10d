"""This service's events, held against the contracts by whatever Hypothesis makes of them."""

from datetime import datetime
from uuid import uuid4

import pytest
from django.db import transaction

from apps.auth_service.events import UserDeactivated
from chassis.events.outbox import InvalidPayload, publish
from tests.wire import TestPublished, TestView

__all__ = ["TestPublished", "TestUserDeactivated", "TestView"]


class TestUserDeactivated:
    @pytest.mark.django_db
    def test_is_not_published_with_a_time_that_has_no_offset(self) -> None:
        naive = datetime(2026, 1, 2)  # noqa: DTZ001 -- the mistake
        with pytest.raises(InvalidPayload, match="timezone"), transaction.atomic():
            publish(UserDeactivated(user_id=uuid4(), not_before=naive), subject="s")
