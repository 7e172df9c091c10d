"""The deny entries: written in any order, read beside the requests."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from chassis.ids import uuid7
from chassis.models import DenyEntry
from chassis.tokens import deny
from chassis.tokens.deny import DenyList

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def entries():
    return dict(DenyEntry.objects.values_list("user_id", "not_before"))


class TestDeny:
    @pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 1, 0), (1, 1)])
    def test_keeps_the_latest_time_in_whatever_order_it_is_told(self, order):
        user_id = uuid7()
        for minutes in order:
            deny.deny(user_id, not_before=NOON + timedelta(minutes=minutes))
        assert entries() == {user_id: NOON + timedelta(minutes=1)}

    def test_keeps_users_apart(self):
        first, second = uuid7(), uuid7()
        deny.deny(first, not_before=NOON)
        deny.deny(second, not_before=NOON + timedelta(seconds=1))
        assert entries() == {first: NOON, second: NOON + timedelta(seconds=1)}


class TestFirstIssuable:
    def test_is_now_for_a_user_with_no_entry(self):
        assert deny.first_issuable(uuid7(), now=NOON) == NOON

    @pytest.mark.parametrize(
        ("denied", "expected"),
        [
            (timedelta(seconds=-1), timedelta(milliseconds=700)),
            (timedelta(milliseconds=300), timedelta(milliseconds=1300)),
            (timedelta(0), timedelta(seconds=1)),
        ],
    )
    def test_is_not_refused(self, denied, expected):
        user_id = uuid7()
        deny.deny(user_id, not_before=NOON + denied)
        issued_at = deny.first_issuable(user_id, now=NOON + timedelta(milliseconds=700))
        assert issued_at == NOON + expected
        found = DenyList()
        found.replace({user_id: (NOON + denied).timestamp()})
        assert not found.refuses(user_id, int(issued_at.timestamp()))


class TestDenyList:
    def test_refuses_at_and_before_the_time_and_not_after_it(self):
        user_id, now = uuid7(), timezone.now().replace(microsecond=500_000)
        deny.deny(user_id, not_before=now)
        found = DenyList()
        loaded = [found.loaded]
        found.load()
        assert [*loaded, found.loaded] == [False, True]
        second = int(now.timestamp())
        assert [found.refuses(user_id, second + n) for n in (-1, 0, 1)] == [True, True, False]
        assert not found.refuses(uuid7(), second)

    def test_forgets_what_refuses_nothing_any_more(self):
        kept, ended = uuid7(), uuid7()
        now = timezone.now()
        deny.deny(kept, not_before=now - deny.KEPT + timedelta(minutes=1))
        deny.deny(ended, not_before=now - deny.KEPT - timedelta(minutes=1))
        found = DenyList()
        found.load()
        assert found.refuses(kept, 0)
        assert not found.refuses(ended, 0)
        assert deny.delete_ended(now=now) == 1
        assert list(entries()) == [kept]

    def test_takes_one_query_to_load(self, django_assert_num_queries):
        for _ in range(3):
            deny.deny(uuid7(), not_before=timezone.now())
        with django_assert_num_queries(1):
            DenyList().load()
