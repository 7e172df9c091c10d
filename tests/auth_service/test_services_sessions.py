"""Log-ins over time."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from apps.auth_service import tasks
from apps.auth_service.errors import CredentialsInvalid, TokenInvalid
from apps.auth_service.models import RefreshFamily, RefreshToken, User
from apps.auth_service.services import attempts, sessions, staff
from tests.auth_service.factories import PASSWORD, make_user
from tests.auth_service.racing import wait_until_blocked

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def later(**span: float) -> datetime:
    return NOON + timedelta(**span)


@pytest.fixture
def token(db) -> str:
    """The refresh token of a log-in at noon."""
    return sessions.log_in(email=make_user().email, password=PASSWORD, now=NOON).refresh


@pytest.mark.django_db
class TestReuse:
    @pytest.mark.parametrize("seconds", [0, 5, 10])
    def test_leaves_the_family_alive_for_ten_seconds(self, token, seconds):
        second = sessions.refresh(token, now=later(minutes=1))
        with pytest.raises(TokenInvalid):
            sessions.refresh(token, now=later(minutes=1, seconds=seconds))
        sessions.refresh(second.refresh, now=later(minutes=2))

    def test_revokes_the_family_afterwards(self, token):
        second = sessions.refresh(token, now=later(minutes=1))
        with pytest.raises(TokenInvalid):
            sessions.refresh(token, now=later(minutes=1, seconds=10.001))
        assert RefreshFamily.objects.get().revoked_at == later(minutes=1, seconds=10.001)
        with pytest.raises(TokenInvalid):
            sessions.refresh(second.refresh, now=later(minutes=2))

    def test_of_an_old_ancestor_revokes_it_too(self, token):
        newest = token
        for minute in range(1, 4):
            newest = sessions.refresh(newest, now=later(minutes=minute)).refresh
        with pytest.raises(TokenInvalid):
            sessions.refresh(token, now=later(minutes=4))
        with pytest.raises(TokenInvalid):
            sessions.refresh(newest, now=later(minutes=4))

    def test_spends_each_token_once(self, token):
        sessions.refresh(token, now=later(minutes=1))
        spent = RefreshToken.objects.get(consumed_at__isnull=False)
        assert spent.consumed_at == later(minutes=1)
        assert RefreshToken.objects.filter(consumed_at=None).count() == 1


@pytest.mark.django_db
class TestExpiry:
    def test_ends_an_idle_log_in_after_14_days(self, token):
        with pytest.raises(TokenInvalid):
            sessions.refresh(token, now=later(days=14))
        sessions.refresh(token, now=later(days=13, hours=23))

    def test_ends_every_log_in_after_30_days(self, token):
        for day in range(5, 30, 5):
            token = sessions.refresh(token, now=later(days=day)).refresh
        token = sessions.refresh(token, now=later(days=29, hours=23)).refresh
        with pytest.raises(TokenInvalid):
            sessions.refresh(token, now=later(days=30))

    def test_is_swept_away_a_day_later(self, token):
        assert sessions.delete_ended(now=later(days=31)) == 0
        assert sessions.delete_ended(now=later(days=31, seconds=1)) == 1
        assert not RefreshToken.objects.exists()
        assert not RefreshFamily.objects.exists()

    def test_keeps_those_of_staff_as_long_as_their_addresses_are_known(self):
        user = make_user(role="staff", email="ann@shop.example")
        staff.open_session(user, ip="192.0.2.1", now=NOON)
        assert sessions.delete_ended(now=later(days=29, hours=23)) == 0
        for n in range(15):
            attempts.charge(
                email=user.email, user_id=user.id, ip=f"203.0.113.{n}", now=later(days=29)
            )
        attempts.charge(email=user.email, user_id=user.id, ip="192.0.2.1", now=later(days=29))
        assert sessions.delete_ended(now=later(days=30)) == 1

    def test_is_swept_by_a_timed_job(self, token):
        RefreshFamily.objects.update(created_at=later(days=-90), expires_at=later(days=-60))
        assert tasks.delete_ended_log_ins(NOON) == 1


@pytest.mark.django_db(transaction=True)
class TestDuringAChange:
    """A change of the account is under way, uncommitted, while its user asks for tokens."""

    def _ask_while(
        self, user: User, ask: Callable[[], object], change: Callable[[], object]
    ) -> list[object]:
        outcome: list[object] = []

        def run() -> None:
            try:
                outcome.append(ask())
            except (CredentialsInvalid, TokenInvalid) as error:
                outcome.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        with transaction.atomic():
            User.objects.select_for_update().get(pk=user.pk)
            thread.start()
            wait_until_blocked()
            change()
        thread.join(timeout=30)
        return outcome

    def _log_in_while(self, user: User, **changes: object) -> list[object]:
        return self._ask_while(
            user,
            lambda: sessions.log_in(email=user.email, password=PASSWORD),
            lambda: User.objects.filter(pk=user.pk).update(**changes),
        )

    def test_waits_and_gets_the_new_role(self):
        (grant,) = self._log_in_while(make_user(), role="staff")
        assert isinstance(grant, sessions.Grant)
        claims = jwt.decode(grant.access, options={"verify_signature": False})
        assert claims["role"] == "staff"

    def test_waits_and_is_refused_when_the_password_is_changed(self):
        (refusal,) = self._log_in_while(make_user(), password=make_password("another battery"))
        assert isinstance(refusal, CredentialsInvalid)
        assert not RefreshFamily.objects.exists()

    def test_waits_and_is_refused_when_deactivated(self):
        (refusal,) = self._log_in_while(make_user(), is_active=False)
        assert isinstance(refusal, CredentialsInvalid)
        assert not RefreshFamily.objects.exists()

    def test_a_refresh_waits_and_is_refused_when_every_log_in_is_ended(self):
        user = make_user()
        token = sessions.log_in(email=user.email, password=PASSWORD).refresh
        (refusal,) = self._ask_while(
            user,
            lambda: sessions.refresh(token),
            lambda: RefreshFamily.objects.update(revoked_at=NOON),
        )
        assert isinstance(refusal, TokenInvalid)
        assert RefreshToken.objects.count() == 1
