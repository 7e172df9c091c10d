"""Counting guesses at passwords, in PostgreSQL."""

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.auth_service import selectors
from apps.auth_service.errors import (
    CredentialsInvalid,
    PasswordWrong,
    TooManyAttempts,
)
from apps.auth_service.models import Counter, RefreshFamily, User
from apps.auth_service.services import attempts, counters, passwords, sessions
from tests.auth_service.factories import PASSWORD, make_user
from tests.auth_service.racing import at_once

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
WRONG = "wrong horse battery"
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


def charge(email: str = "ann@shop.example", **changes: Any) -> attempts.Attempt:
    given: dict[str, Any] = {"user_id": None, "ip": ELSEWHERE, "now": NOON}
    return attempts.charge(email=email, **{**given, **changes})


def refused(**changes: Any) -> int:
    """Return after how many seconds the refused attempt may come again."""
    with pytest.raises(TooManyAttempts) as refusal:
        charge(**changes)
    assert refusal.value.code == "rate-limited"
    seconds = refusal.value.retry_after_seconds
    assert seconds is not None
    return seconds


def addresses(count: int) -> list[str]:
    return [f"203.0.113.{n}" for n in range(count)]


def counted() -> dict[str, int]:
    """Return the failures by kind of counter."""
    rows = Counter.objects.values_list("key", "count")
    return {key.partition(":")[0]: failures for key, failures in rows}


def known_from(user: User, ip: str, *, at: datetime = NOON) -> None:
    RefreshFamily.objects.create(
        user=user, created_at=at, expires_at=at + timedelta(days=30), ip=ip
    )


@pytest.mark.django_db
class TestPair:
    def test_takes_five_and_then_one_after_each_growing_delay(self):
        for _ in range(5):
            charge()
        assert refused() == 1
        assert refused(now=NOON + timedelta(seconds=0.4)) == 1
        charge(now=NOON + timedelta(seconds=1))
        assert refused(now=NOON + timedelta(seconds=1)) == 2
        charge(now=NOON + timedelta(seconds=3))
        assert refused(now=NOON + timedelta(seconds=3)) == 4

    def test_leaves_other_addresses_and_accounts_alone(self):
        for _ in range(5):
            charge()
        charge(ip=HOME)
        charge(email="bob@shop.example")

    def test_is_of_the_account_in_any_case(self):
        for n in range(5):
            charge(email="ann@shop.example".upper() if n % 2 else "ann@shop.example")
        assert refused(email="Ann@Shop.example") == 1

    @pytest.mark.parametrize("spelling", ["admİn@shop.example", "ADMIN@shop.example"])
    def test_is_of_what_the_database_takes_for_the_same_account(self, spelling):
        """Python's lower() makes two characters of a dotted capital I, PostgreSQL's one."""
        user = make_user(email="admin@shop.example")
        assert selectors.find_user_by_email(spelling) == user
        for _ in range(5):
            charge(email=user.email)
        assert refused(email=spelling) == 1

    def test_counts_an_ipv6_line_as_one_address(self):
        for n in range(5):
            charge(ip=f"2001:db8:1:2::{n}")
        assert refused(ip="2001:db8:1:2:ffff::") == 1
        charge(ip="2001:db8:1:3::")

    def test_counts_those_without_an_address_together(self):
        for _ in range(5):
            charge(ip=None)
        assert refused(ip=None) == 1


@pytest.mark.django_db
class TestAccount:
    def test_is_locked_after_fifteen_from_anywhere(self):
        for ip in addresses(15):
            charge(ip=ip)
        assert refused() == 30
        charge(now=NOON + timedelta(seconds=30))
        assert refused(ip=HOME, now=NOON + timedelta(seconds=30)) == 60

    def test_is_not_locked_to_an_address_that_it_was_logged_in_from(self):
        user = make_user()
        known_from(user, HOME, at=NOON - timedelta(days=29))
        for ip in addresses(15):
            charge(email=user.email, user_id=user.id, ip=ip)
        assert refused(email=user.email, user_id=user.id) == 30
        charge(email=user.email, user_id=user.id, ip=HOME)

    def test_is_not_locked_to_the_ipv6_line_that_it_was_logged_in_from(self):
        user = make_user()
        known_from(user, "2001:db8:1:2::1")
        for ip in addresses(15):
            charge(email=user.email, user_id=user.id, ip=ip)
        charge(email=user.email, user_id=user.id, ip="2001:db8:1:2::2")
        assert refused(email=user.email, user_id=user.id, ip="2001:db8:1:3::2") == 30

    @pytest.mark.parametrize("whose", ["own, long ago", "another's"])
    def test_is_locked_to_addresses_known_otherwise(self, whose):
        user = make_user()
        if whose == "another's":
            known_from(make_user(), HOME)
        else:
            known_from(user, HOME, at=NOON - timedelta(days=30))
        for ip in addresses(15):
            charge(email=user.email, user_id=user.id, ip=ip)
        assert refused(email=user.email, user_id=user.id, ip=HOME) == 30

    def test_counts_nothing_of_an_address_that_it_knows(self):
        user = make_user()
        known_from(user, HOME)
        charge(email=user.email, user_id=user.id, ip=HOME)
        assert counted() == {"address": 1, "pair": 1}

    def test_is_held_up_with_an_address_that_it_knows(self):
        """Else whoever shares the address could ask which accounts there are."""
        user = make_user()
        known_from(user, HOME)
        for n in range(100):
            charge(email=f"user{n}@shop.example", ip=HOME)
        assert refused(email="other@shop.example", ip=HOME) == 1
        assert refused(email=user.email, user_id=user.id, ip=HOME) == 1


@pytest.mark.django_db
class TestAddress:
    def test_waits_after_a_hundred_over_all_accounts(self):
        for n in range(100):
            charge(email=f"user{n}@shop.example")
        assert refused(email="other@shop.example") == 1
        charge(email="other@shop.example", ip=HOME)

    def test_forgets_a_hundred_an_hour_whatever_goes_on(self):
        for n in range(300):
            charge(email=f"user{n}@shop.example", now=NOON + timedelta(seconds=36 * n))
        later = NOON + timedelta(seconds=36 * 299)
        for n in range(99):
            charge(email=f"late{n}@shop.example", now=later)
        assert refused(email="other@shop.example", now=later) == 1


@pytest.mark.django_db
class TestCharge:
    def test_counts_nothing_when_it_is_refused(self):
        for _ in range(5):
            charge()
        before = list(Counter.objects.order_by("key").values())
        refused()
        assert list(Counter.objects.order_by("key").values()) == before

    def test_forgets_failures_an_hour_after_the_last(self):
        for _ in range(4):
            charge()
        charge(now=NOON + timedelta(hours=1))
        assert counted() == {"account": 1, "address": 1, "pair": 1}

    def test_remembers_them_until_then(self):
        for _ in range(4):
            charge()
        charge(now=NOON + timedelta(minutes=59))
        assert refused(now=NOON + timedelta(minutes=59)) == 1

    def test_locks_its_counters_in_the_order_in_which_they_are_settled(self):
        with CaptureQueriesContext(connection) as captured:
            attempts.settle(charge())
        keys = [
            kind
            for query in captured
            for kind in re.findall(r"'(account|address|pair):", query["sql"])
        ]
        assert keys == ["account", "address", "pair"] * 2

    def test_keeps_no_address_of_a_person(self):
        charge(email="ann@shop.example")
        assert Counter.objects.count() == 3
        for key in Counter.objects.values_list("key", flat=True):
            assert "ann" not in key
            assert "shop" not in key

    def test_counts_unknown_accounts_like_known_ones(self, django_assert_num_queries):
        user = make_user()
        for email, user_id in ((user.email, user.id), ("nobody@shop.example", None)):
            with django_assert_num_queries(6):  # one to look up, three counters, begin, end
                charge(email=email, user_id=user_id)


@pytest.mark.django_db
class TestSettle:
    def test_begins_the_account_anew_and_returns_its_own_charge_to_the_address(self):
        charge()
        charge(email="bob@shop.example")
        attempts.settle(charge())
        assert counted() == {"account": 1, "address": 2, "pair": 1}  # bob's, and two failures

    def test_ends_the_delay_that_it_began_itself(self):
        for n in range(99):
            charge(email=f"user{n}@shop.example")
        attempt = charge()
        assert refused(email="other@shop.example") == 1
        attempts.settle(attempt)
        charge(email="other@shop.example")

    def test_pays_for_no_guesses_at_other_accounts(self):
        for n in range(100):
            charge(email=f"user{n}@shop.example")
        later = NOON + timedelta(seconds=1)
        attempts.settle(charge(email="mallory@shop.example", now=later))
        charge(email="other@shop.example", now=later)
        assert refused(email="another@shop.example", now=later) == 2

    def test_survives_counters_that_are_gone(self):
        attempt = charge()
        Counter.objects.all().delete()
        attempts.settle(attempt)
        assert not Counter.objects.exists()


@pytest.mark.django_db
class TestDeleteForgotten:
    def test_deletes_what_counts_no_more(self):
        charge()
        charge(email="bob@shop.example", ip=HOME, now=NOON + timedelta(minutes=1))
        assert counters.delete_forgotten(now=NOON + timedelta(hours=1)) == 3
        assert counters.delete_forgotten(now=NOON + timedelta(hours=1)) == 0
        assert Counter.objects.count() == 3


@pytest.mark.django_db(transaction=True)
class TestAttemptsTogether:
    def test_are_not_waited_for_by_the_sweep(self):
        charge()
        later = NOON + timedelta(hours=1)
        with transaction.atomic():
            Counter.objects.select_for_update().get(pk__startswith="pair:")
            (deleted,) = at_once(lambda: counters.delete_forgotten(now=later))
        assert deleted == 2
        assert counted() == {"pair": 1}

    def _charged(self, attempts_given: list[dict[str, str]]) -> int:
        def run(given: dict[str, str]) -> bool:
            try:
                charge(**given)
            except TooManyAttempts:
                return False
            return True

        return sum(at_once(*(partial(run, given) for given in attempts_given)))

    def test_pass_no_limit_from_one_address(self):
        assert self._charged([{}] * 50) == 5

    def test_pass_no_limit_from_many(self):
        assert self._charged([{"ip": ip} for ip in addresses(50)]) == 15

    def test_do_not_lock_each_other_out(self):
        """Each takes its counters in the order of their keys: of two accounts from one address."""
        emails = ["ann@shop.example", "bob@shop.example"] * 5
        assert self._charged([{"email": email} for email in emails]) == 10


@pytest.mark.django_db
class TestCheckCredentials:
    def test_returns_the_user_and_forgets_the_failures(self):
        user = make_user()
        with pytest.raises(CredentialsInvalid):
            sessions.check_credentials(email=user.email, password=WRONG, ip=HOME)
        assert counted() == {"account": 1, "address": 1, "pair": 1}
        found = sessions.check_credentials(email=user.email, password=PASSWORD, ip=HOME)
        assert found == user
        assert counted() == {"address": 1}

    def test_does_not_take_the_right_password_from_where_too_many_wrong_ones_came(self, hashed):
        user = make_user()
        for _ in range(5):
            charge(email=user.email, user_id=user.id)
        with pytest.raises(TooManyAttempts):
            sessions.check_credentials(email=user.email, password=PASSWORD, ip=ELSEWHERE, now=NOON)
        assert hashed == []
        sessions.check_credentials(email=user.email, password=PASSWORD, ip=HOME, now=NOON)

    def test_takes_it_after_the_delay(self):
        user = make_user()
        for _ in range(5):
            charge(email=user.email, user_id=user.id)
        sessions.check_credentials(
            email=user.email, password=PASSWORD, ip=ELSEWHERE, now=NOON + timedelta(seconds=1)
        )

    def test_does_the_same_work_whoever_is_named(self, hashed, django_assert_num_queries):
        active = make_user()
        inactive = make_user(is_active=False)
        unconfirmed = make_user(awaits_confirmation=True)
        without_password = make_user(password="!nothing")
        guesses = [
            ("nobody@shop.example", PASSWORD),
            (active.email, WRONG),
            (inactive.email, PASSWORD),
            (unconfirmed.email, PASSWORD),
            (without_password.email, PASSWORD),
        ]
        for email, password in guesses:
            hashed.clear()
            with django_assert_num_queries(7), pytest.raises(CredentialsInvalid):
                sessions.check_credentials(email=email, password=password, ip=HOME)
            assert hashed == [1]


@pytest.mark.django_db
class TestChangePassword:
    def test_counts_a_wrong_current_password_like_a_failed_log_in(self):
        user = make_user()
        with pytest.raises(PasswordWrong):
            passwords.change_password(
                user.id, current_password=WRONG, new_password="a new battery", ip=HOME, now=NOON
            )
        assert counted() == {"account": 1, "address": 1, "pair": 1}

    def test_looks_at_no_password_after_too_many(self, hashed):
        user = make_user()
        for _ in range(5):
            charge(email=user.email, user_id=user.id, ip=HOME)
        with pytest.raises(TooManyAttempts):
            passwords.change_password(
                user.id, current_password=PASSWORD, new_password="a new battery", ip=HOME, now=NOON
            )
        assert hashed == []
