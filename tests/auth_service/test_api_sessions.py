"""GET /sessions and DELETE /sessions/{id}."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.auth_service import selectors
from apps.auth_service.errors import NotFound
from apps.auth_service.models import RefreshFamily, RefreshToken, User
from apps.auth_service.services import checking, passwords, sessions
from chassis.ids import uuid7
from chassis.models import AuditEntry
from tests.auth_service.factories import PASSWORD, make_user

URL = "/api/v1/auth/sessions"


def log_in_at(user: User, now: datetime | None = None, **given: Any) -> RefreshFamily:
    sessions.log_in(email=user.email, password=PASSWORD, now=now, **given)
    return RefreshFamily.objects.filter(user=user).latest("id")


def staff_log_in(user: User, **changes: Any) -> RefreshFamily:
    """Return a log-in to the admin, which has no refresh token."""
    now = timezone.now()
    fields = {"created_at": now, "expires_at": now + timedelta(hours=12), **changes}
    return RefreshFamily.objects.create(user=user, **fields)


@pytest.mark.django_db
class TestList:
    def test_shows_these_fields(self, client_as):
        user = make_user()
        family = log_in_at(user, device="Browser/1", ip="192.0.2.1")
        (row,) = client_as("customer", user.id).get(URL).json()["results"]
        times = [
            datetime.fromisoformat(row.pop(name))
            for name in ("created_at", "last_used_at", "expires_at")
        ]
        assert times == [family.created_at, family.created_at, family.expires_at]
        assert row == {"id": str(family.id), "device": "Browser/1", "address": "192.0.2.1"}

    def test_shows_the_last_use(self, client_as):
        user = make_user()
        start = timezone.now()
        grant = sessions.log_in(email=user.email, password=PASSWORD, ip="192.0.2.1", now=start)
        later = start + timedelta(minutes=5)
        grant = sessions.refresh(grant.refresh, ip="192.0.2.2", now=later)
        latest = later + timedelta(minutes=5)
        sessions.refresh(grant.refresh, now=latest)  # from no known address
        (row,) = client_as("customer", user.id).get(URL).json()["results"]
        assert datetime.fromisoformat(row["last_used_at"]) == latest
        assert datetime.fromisoformat(row["created_at"]) == start
        assert row["address"] == "192.0.2.2"

    def test_lists_the_own_ones_newest_first_page_by_page(self, client_as):
        user = make_user()
        own = [staff_log_in(user) for _ in range(3)]
        staff_log_in(make_user())
        client = client_as("customer", user.id)
        first = client.get(URL, {"limit": 2}).json()
        assert [row["id"] for row in first["results"]] == [str(f.id) for f in own[:0:-1]]
        second = client.get(first["next"]).json()
        assert [row["id"] for row in second["results"]] == [str(own[0].id)]
        assert second["next"] is None

    def test_leaves_out_what_has_ended(self, client_as, refresh):
        user, now = make_user(), timezone.now()
        staff_log_in(user, revoked_at=now)
        staff_log_in(user, created_at=now - timedelta(days=2), expires_at=now)
        log_in_at(user, now - timedelta(days=15))  # unused for 14 days
        live = {str(log_in_at(user).id), str(staff_log_in(user).id)}
        rows = client_as("customer", user.id).get(URL).json()["results"]
        assert {row["id"] for row in rows} == live

    def test_leaves_out_one_whose_every_token_is_spent(self):
        user = make_user()
        log_in_at(user)
        RefreshToken.objects.update(consumed_at=timezone.now())
        assert not selectors.live_sessions(user.id, now=timezone.now()).exists()

    def test_means_the_same_by_live_as_ending_one_and_check_users(self):
        user = make_user()
        family = log_in_at(user, timezone.now() - timedelta(days=15))  # unused for 14 days
        User.objects.update(is_active=False)
        with pytest.raises(NotFound):
            sessions.end_session(family.id, user_id=None, by=None)
        found = checking.check_users(now=timezone.now(), unconfirmed_days=7)
        assert "inactive-log-ins" not in {finding.code for finding in found}

    def test_costs_one_query(self, client_as, django_assert_num_queries):
        user = make_user()
        for _ in range(3):
            staff_log_in(user)
        client = client_as("customer", user.id)
        with django_assert_num_queries(1):
            client.get(URL)

    def test_wants_a_users_token(self, api, as_service):
        answer = api.get(URL)
        assert (answer.status_code, answer.json()["code"]) == (401, "authentication-required")
        answer = as_service("order").get(URL)
        assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")

    def test_refuses_a_bad_page(self, client_as):
        answer = client_as("customer").get(URL, {"limit": "0"})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")


@pytest.mark.django_db
class TestEnd:
    def test_ends_one(self, client_as, log_in, refresh):
        user = make_user()
        ended, kept = log_in(user)["refresh"], log_in(user)["refresh"]
        family = RefreshFamily.objects.order_by("id").first()
        assert family is not None
        answer = client_as("customer", user.id).delete(f"{URL}/{family.id}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert refresh(ended).status_code == 401
        assert refresh(kept).status_code == 200

    def test_answers_404_to_anothers_unknown_or_ended(self, client_as):
        user, now = make_user(), timezone.now()
        others = staff_log_in(make_user())
        ended = staff_log_in(user, revoked_at=now)
        over = staff_log_in(user, created_at=now - timedelta(days=2), expires_at=now)
        for family_id in (others.id, ended.id, over.id, uuid7(), "seven"):
            answer = client_as("customer", user.id).delete(f"{URL}/{family_id}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
        others.refresh_from_db()
        assert others.revoked_at is None
        assert not AuditEntry.objects.exists()

    def test_is_audited_when_staff_does_it(self):
        family, staff_id = staff_log_in(make_user()), uuid7()
        sessions.end_session(family.id, user_id=None, by=staff_id)
        family.refresh_from_db()
        assert family.revoked_at is not None
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.target_id) == ("session.ended", str(family.id))
        assert entry.actor_id == staff_id
        with pytest.raises(NotFound):
            sessions.end_session(family.id, user_id=None, by=staff_id)

    def test_wants_a_token(self, api):
        answer = api.delete(f"{URL}/{uuid7()}")
        assert (answer.status_code, answer.json()["code"]) == (401, "authentication-required")


@pytest.mark.django_db
class TestWhatEndsThemAll:
    @pytest.mark.parametrize("act", ["password changed", "revoked", "deactivated"])
    def test_ends_those_of_staff_too(self, act, client_as):
        user, admin = make_user(role="staff"), make_user(role="admin")
        log_in_at(user)
        staff_log_in(user)
        if act == "password changed":
            passwords.change_password(
                user.id, current_password=PASSWORD, new_password="a new battery staple"
            )
        elif act == "revoked":
            client_as("staff", user.id).post("/api/v1/auth/token/revoke-all")
        else:
            url = f"/api/v1/auth/users/{user.id}"
            client_as("admin", admin.id).patch(url, {"is_active": False})
        assert not selectors.live_sessions(user.id, now=timezone.now()).exists()
        assert RefreshFamily.objects.filter(user=user, revoked_at=None).count() == 0
