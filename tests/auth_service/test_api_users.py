"""GET /users, GET and PATCH /users/{id}."""

from datetime import UTC, datetime, timedelta
from unittest import mock

import jwt
import pytest
from django.utils import timezone

from apps.auth_service.errors import NotAdmin
from apps.auth_service.models import RefreshFamily, Role, User
from apps.auth_service.services import accounts, sessions
from chassis.ids import uuid7
from chassis.models import AuditEntry, DenyEntry
from chassis.tokens import deny
from tests.auth_service.factories import PASSWORD, make_user
from tests.auth_service.racing import at_once

URL = "/api/v1/auth/users"


@pytest.fixture
def admin() -> User:
    return make_user(role="admin", name="Ada")


@pytest.fixture
def as_ada(client_as, admin):
    return client_as("admin", admin.id)


@pytest.mark.django_db
class TestUserList:
    def test_lists_the_newest_first_page_by_page(self, as_ada):
        users = [make_user() for _ in range(4)]
        first = as_ada.get(URL, {"limit": 2}).json()
        assert [row["id"] for row in first["results"]] == [str(u.id) for u in users[:1:-1]]
        assert first["previous"] is None
        second = as_ada.get(first["next"]).json()
        assert [row["id"] for row in second["results"]] == [str(u.id) for u in users[1::-1]]
        back = as_ada.get(second["previous"]).json()
        assert back["results"] == first["results"]
        third = as_ada.get(second["next"]).json()
        assert [row["name"] for row in third["results"]] == ["Ada"]
        assert third["next"] is None

    def test_shows_these_fields(self, as_ada, admin):
        (row,) = as_ada.get(URL).json()["results"]
        created_at = datetime.fromisoformat(row.pop("created_at"))
        assert created_at == admin.created_at
        assert row == {
            "id": str(admin.id),
            "email": admin.email,
            "name": "Ada",
            "role": "admin",
            "is_active": True,
        }

    def test_lists_those_of_a_role_or_activity(self, as_ada, admin):
        staff, inactive = make_user(role="staff"), make_user(is_active=False)
        for query, found in (
            ({"role": "staff"}, {staff.id}),
            ({"role": "customer"}, {inactive.id}),
            ({"is_active": "false"}, {inactive.id}),
            ({"is_active": "true"}, {staff.id, admin.id}),
            ({"role": "staff", "is_active": "false"}, set()),
        ):
            rows = as_ada.get(URL, query).json()["results"]
            assert {row["id"] for row in rows} == {str(user_id) for user_id in found}

    def test_ties_a_page_to_its_filters(self, as_ada):
        for _ in range(2):
            make_user(role="staff")
        first = as_ada.get(URL, {"role": "staff", "limit": 1}).json()
        assert "role=staff" in first["next"]
        answer = as_ada.get(first["next"].replace("role=staff", "role=admin"))
        assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")

    @pytest.mark.parametrize("query", [{"role": "root"}, {"role": ""}, {"is_active": "maybe"}])
    def test_refuses_a_bad_filter(self, as_ada, query):
        answer = as_ada.get(URL, query)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")

    def test_costs_one_query_whatever_the_page_holds(self, as_ada, django_assert_num_queries):
        for _ in range(5):
            make_user()
        with django_assert_num_queries(1):
            as_ada.get(URL)

    @pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"cursor": "x"}])
    def test_refuses_a_bad_page(self, as_ada, query):
        answer = as_ada.get(URL, query)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")


@pytest.mark.django_db
class TestWhoMayUseIt:
    @pytest.mark.parametrize("role", ["customer", "staff"])
    @pytest.mark.parametrize("method", ["get", "patch"])
    def test_refuses_other_roles(self, client_as, role, method):
        user = make_user(role=role)
        client = client_as(role, user.id)
        for url in (URL, f"{URL}/{user.id}"):
            if (url, method) == (URL, "patch"):
                continue
            answer = getattr(client, method)(url, {"role": "admin"})
            assert (answer.status_code, answer.json()["code"]) == (403, "permission-denied")
        user.refresh_from_db()
        assert user.role == role

    def test_refuses_those_without_a_token(self, api):
        for url in (URL, f"{URL}/{uuid7()}"):
            answer = api.get(url)
            assert (answer.status_code, answer.json()["code"]) == (401, "authentication-required")

    @pytest.mark.parametrize("fields", [{"role": "staff"}, {"role": "admin", "is_active": False}])
    def test_refuses_changes_by_one_who_was_an_admin(self, client_as, fields):
        former, user = make_user(**fields), make_user()
        answer = client_as("admin", former.id).patch(f"{URL}/{user.id}", {"role": "admin"})
        assert (answer.status_code, answer.json()["code"]) == (403, "permission-denied")
        user.refresh_from_db()
        assert user.role == "customer"


@pytest.mark.django_db
class TestUser:
    def test_shows_one(self, as_ada):
        user = make_user(is_active=False)
        answer = as_ada.get(f"{URL}/{user.id}")
        assert answer.status_code == 200
        assert answer.json()["id"] == str(user.id)
        assert answer.json()["is_active"] is False

    @pytest.mark.parametrize("method", ["get", "patch"])
    def test_answers_404_for_an_unknown_one(self, as_ada, method):
        answer = getattr(as_ada, method)(f"{URL}/{uuid7()}", {"role": "staff"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")

    def test_answers_404_for_what_is_no_id(self, as_ada):
        answer = as_ada.get(f"{URL}/seven")
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
        assert answer["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"role": "king"}, "#/role"),
            ({"role": None}, "#/role"),
            *(
                ({"is_active": value}, "#/is_active")
                for value in ("no", "yes", "false", 0, 1, None)
            ),
        ],
    )
    def test_points_at_the_bad_field(self, as_ada, body, pointer):
        user = make_user()
        before = User.objects.values().get(pk=user.pk)
        answer = as_ada.patch(f"{URL}/{user.id}", body)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")
        assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
        assert User.objects.values().get(pk=user.pk) == before


@pytest.mark.django_db
class TestChangeRole:
    def test_changes_it_and_publishes_it(self, as_ada, outbox_events):
        user = make_user()
        answer = as_ada.patch(f"{URL}/{user.id}", {"role": "staff"})
        assert (answer.status_code, answer.json()["role"]) == (200, "staff")
        (event,) = outbox_events(user.id)
        assert event.type == "user.role_changed"
        not_before = datetime.fromisoformat(event.data.pop("not_before"))
        assert not_before.tzinfo is not None
        assert event.data == {"user_id": str(user.id), "role": "staff"}

    def test_leaves_log_ins_alone(self, as_ada, log_in, refresh):
        user = make_user()
        token = log_in(user)["refresh"]
        as_ada.patch(f"{URL}/{user.id}", {"role": "staff"})
        assert refresh(token).status_code == 200

    @pytest.mark.parametrize("body", [{}, {"role": "customer"}, {"is_active": True}])
    def test_publishes_nothing_when_nothing_changes(self, as_ada, outbox_events, body):
        user = make_user()
        assert as_ada.patch(f"{URL}/{user.id}", body).status_code == 200
        assert outbox_events() == []


@pytest.mark.django_db
class TestDeactivate:
    def test_ends_log_ins_and_publishes_it(self, as_ada, log_in, refresh, outbox_events, api):
        user = make_user()
        token = log_in(user)["refresh"]
        answer = as_ada.patch(f"{URL}/{user.id}", {"is_active": False})
        assert (answer.status_code, answer.json()["is_active"]) == (200, False)
        assert RefreshFamily.objects.get().revoked_at is not None
        assert refresh(token).status_code == 401
        (event,) = outbox_events(user.id)
        assert event.type == "user.deactivated"
        assert set(event.data) == {"user_id", "not_before"}

    def test_can_be_taken_back_but_old_log_ins_stay_ended(self, as_ada, log_in, refresh):
        user = make_user()
        token = log_in(user)["refresh"]
        for is_active in (False, True):
            as_ada.patch(f"{URL}/{user.id}", {"is_active": is_active})
        assert refresh(token).status_code == 401
        assert refresh(log_in(user)["refresh"]).status_code == 200

    def test_may_come_with_a_role(self, as_ada, outbox_events):
        user = make_user(role="staff")
        as_ada.patch(f"{URL}/{user.id}", {"role": "customer", "is_active": False})
        assert [e.type for e in outbox_events(user.id)] == ["user.role_changed", "user.deactivated"]


@pytest.mark.django_db
class TestDeny:
    @pytest.mark.parametrize("change", [{"role": "staff"}, {"is_active": False}])
    def test_is_written_with_the_time_that_is_published(self, as_ada, change, outbox_events):
        user = make_user()
        as_ada.patch(f"{URL}/{user.id}", change)
        entry = DenyEntry.objects.get()
        assert entry.user_id == user.id
        (event,) = outbox_events(user.id)
        assert datetime.fromisoformat(event.data["not_before"]) == entry.not_before

    @pytest.mark.parametrize("change", [{}, {"role": "customer"}, {"is_active": True}])
    def test_is_not_written_when_nothing_changes(self, as_ada, change):
        as_ada.patch(f"{URL}/{make_user().id}", change)
        assert not DenyEntry.objects.exists()

    def test_is_not_written_for_a_user_who_may_come_back(self, as_ada):
        user = make_user(is_active=False)
        as_ada.patch(f"{URL}/{user.id}", {"is_active": True})
        assert not DenyEntry.objects.exists()


@pytest.mark.django_db
class TestTokensAroundAChange:
    CHANGED_AT = datetime(2026, 6, 1, 12, 0, 0, 400_000, tzinfo=UTC)

    def issued_at(self, user: User, now: datetime) -> int:
        grant = sessions.log_in(email=user.email, password=PASSWORD, now=now)
        claims = jwt.decode(grant.access, options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == 300
        return int(claims["iat"])

    def refused(self, user: User, issued_at: int) -> bool:
        found = deny.DenyList()
        with mock.patch("chassis.tokens.deny.timezone.now", return_value=self.CHANGED_AT):
            found.load()
        return found.refuses(user.id, issued_at)

    @pytest.mark.parametrize(
        ("milliseconds", "is_refused"), [(-1000, True), (-1, True), (1, False), (1000, False)]
    )
    def test_are_refused_before_and_good_after(self, admin, milliseconds, is_refused):
        user = make_user()
        issued_at = None
        issue_at = self.CHANGED_AT + timedelta(milliseconds=milliseconds)
        if issue_at < self.CHANGED_AT:
            issued_at = self.issued_at(user, issue_at)
        change = accounts.AccessChange(role=Role.STAFF)
        accounts.change_access(user.id, change=change, by=admin.id, now=self.CHANGED_AT)
        if issued_at is None:
            issued_at = self.issued_at(user, issue_at)
        assert self.refused(user, issued_at) is is_refused

    def test_are_good_after_a_change_on_the_second(self, admin):
        user = make_user()
        on_the_second = self.CHANGED_AT.replace(microsecond=0)
        change = accounts.AccessChange(role=Role.STAFF)
        accounts.change_access(user.id, change=change, by=admin.id, now=on_the_second)
        issued_at = self.issued_at(user, on_the_second)
        assert issued_at == on_the_second.timestamp() + 1
        assert not self.refused(user, issued_at)
        assert self.refused(user, issued_at - 1)

    def test_are_never_put_off_by_changes_in_quick_succession(self, admin):
        user = make_user()
        for role in (Role.STAFF, Role.CUSTOMER, Role.STAFF):
            change = accounts.AccessChange(role=role)
            accounts.change_access(user.id, change=change, by=admin.id)
        entry = DenyEntry.objects.get(user_id=user.id)
        assert entry.not_before <= timezone.now() + timedelta(seconds=1)


@pytest.mark.django_db
class TestAudit:
    def test_holds_what_changed_and_who_did_it(self, as_ada, admin):
        user = make_user()
        for body in ({"role": "staff", "is_active": False}, {"is_active": True}, {}):
            as_ada.patch(f"{URL}/{user.id}", body)
        entries = AuditEntry.objects.order_by("id")
        assert {(e.target_type, e.target_id, e.actor_id) for e in entries} == {
            ("user", str(user.id), admin.id)
        }
        assert [(entry.action, entry.details) for entry in entries] == [
            ("user.role_changed", {"before": "customer", "after": "staff"}),
            ("user.deactivated", {}),
            ("user.activated", {}),
        ]

    def test_names_no_one_for_a_command(self):
        user = make_user()
        for role in (Role.ADMIN, Role.ADMIN):
            accounts.ensure_user(email=user.email, name="Ada", role=role, password=None)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id) == ("user.role_changed", None)

    def test_holds_a_password_that_a_command_set(self):
        user = make_user()
        for password in (PASSWORD, "another battery", "another battery"):
            accounts.ensure_user(
                email=user.email,
                name="Ann",
                role=Role.CUSTOMER,
                password=password,
                reset_password=True,
            )
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id, entry.details) == ("user.password_set", None, {})

    def test_holds_an_account_with_rights_that_a_command_made(self):
        for role in (Role.ADMIN, Role.CUSTOMER):
            email = f"{role}@shop.example"
            accounts.ensure_user(email=email, name="Ada", role=role, password=PASSWORD)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id) == ("user.created", None)
        assert entry.details == {"role": "admin"}


@pytest.mark.django_db
class TestOwnAccount:
    @pytest.mark.parametrize("body", [{"role": "staff"}, {"is_active": False}])
    def test_is_not_the_admins_to_change(self, as_ada, admin, body, outbox_events):
        answer = as_ada.patch(f"{URL}/{admin.id}", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "own-account")
        admin.refresh_from_db()
        assert (admin.role, admin.is_active) == ("admin", True)
        assert outbox_events() == []

    def test_may_be_sent_as_it_is(self, as_ada, admin):
        body = {"role": "admin", "is_active": True}
        assert as_ada.patch(f"{URL}/{admin.id}", body).status_code == 200


@pytest.mark.django_db(transaction=True)
class TestAdminsTogether:
    def test_leave_one_who_can_undo_it(self):
        one, two = make_user(role="admin"), make_user(role="admin")
        change = accounts.AccessChange(role=Role.CUSTOMER)

        def demote(user: User, by: User) -> str:
            try:
                accounts.change_access(user.id, change=change, by=by.id)
            except NotAdmin:
                return "refused"
            return "demoted"

        results = at_once(lambda: demote(one, two), lambda: demote(two, one))
        assert sorted(results) == ["demoted", "refused"]
        assert User.objects.filter(role="admin").count() == 1
