"""GET and PATCH /me."""

import pytest

from apps.auth_service.models import User
from chassis.ids import uuid7
from tests.auth_service.factories import make_user

URL = "/api/v1/auth/me"


@pytest.mark.django_db
class TestProfile:
    def test_shows_the_own_account(self, client_as):
        user = make_user(role="staff")
        answer = client_as("staff", user.id).get(URL)
        assert answer.status_code == 200
        assert answer.json() == {
            "id": str(user.id),
            "email": user.email,
            "name": user.name,
            "role": "staff",
        }

    def test_wants_a_token(self, api):
        answer = api.get(URL)
        assert (answer.status_code, answer.json()["code"]) == (401, "authentication-required")
        assert answer["Content-Type"] == "application/problem+json"

    def test_refuses_a_bad_token(self, api, signing_key):
        answer = api.get(URL, HTTP_AUTHORIZATION="Bearer a.b.c")
        assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")
        assert answer["WWW-Authenticate"].startswith("Bearer")

    def test_refuses_a_services_token(self, as_service):
        answer = as_service("order").get(URL)
        assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")

    @pytest.mark.parametrize("method", ["get", "patch"])
    def test_refuses_a_user_that_is_gone_or_inactive(self, client_as, method):
        for user_id in (uuid7(), make_user(is_active=False).id):
            answer = getattr(client_as("customer", user_id), method)(URL, {"name": "Ann"})
            assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")


@pytest.mark.django_db
class TestChangeProfile:
    def test_changes_the_name_and_publishes_it(self, client_as, outbox_events):
        user = make_user(name="Ann Alder")
        answer = client_as("customer", user.id).patch(URL, {"name": "Ann Birch"})
        assert answer.status_code == 200
        assert answer.json()["name"] == "Ann Birch"
        user.refresh_from_db()
        assert user.name == "Ann Birch"
        (event,) = outbox_events(user.id)
        assert event.type == "user.updated"
        assert event.data == {"user_id": str(user.id), "email": user.email, "name": "Ann Birch"}

    @pytest.mark.parametrize("body", [{}, {"name": "Ann Alder"}])
    def test_publishes_nothing_when_nothing_changes(self, client_as, outbox_events, body):
        user = make_user(name="Ann Alder")
        answer = client_as("customer", user.id).patch(URL, body)
        assert (answer.status_code, answer.json()["name"]) == (200, "Ann Alder")
        assert outbox_events() == []

    def test_changes_nothing_else(self, client_as):
        user = make_user()
        body = {"email": "other@shop.example", "role": "admin", "id": str(uuid7())}
        assert client_as("customer", user.id).patch(URL, body).status_code == 200
        assert User.objects.filter(pk=user.id, email=user.email, role="customer").exists()

    @pytest.mark.parametrize(
        ("name", "code"),
        [("", "blank"), ("a\tb", "unprintable"), (5, "invalid"), (True, "invalid")],
    )
    def test_points_at_a_bad_name(self, client_as, name, code):
        answer = client_as("customer", make_user().id).patch(URL, {"name": name})
        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("#/name", code)
