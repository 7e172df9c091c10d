"""POST /register."""

from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from apps.auth_service.models import User
from apps.auth_service.services import accounts
from tests.auth_service.factories import make_user
from tests.auth_service.racing import at_once

URL = "/api/v1/auth/register"
ANN = {"email": "Ann@Shop.example", "password": "correct horse battery", "name": "Ann Alder"}


def pointers(answer: Any) -> dict[str, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return {error["pointer"]: error["code"] for error in answer.json()["errors"]}


@pytest.mark.django_db
class TestRegister:
    def test_opens_an_account(self, api):
        answer = api.post(URL, ANN)
        assert answer.status_code == 201
        user = User.objects.get()
        assert answer.json() == {
            "id": str(user.id),
            "email": "Ann@Shop.example",
            "name": "Ann Alder",
            "role": "customer",
        }
        assert user.id.version == 7
        assert user.is_active

    @pytest.mark.parametrize("domain", [f"{'üñ' * 30}.io", "a..b", f"{'a' * 64}.io"])
    def test_refuses_a_domain_that_no_mail_can_be_sent_to(self, api, domain):
        answer = api.post(URL, {**ANN, "email": f"a@{domain}"})
        assert (answer.status_code, pointers(answer)) == (400, {"#/email": "invalid"})

    def test_takes_a_domain_of_other_letters(self, api):
        assert api.post(URL, {**ANN, "email": "a@bücher.example"}).status_code == 201

    def test_keeps_only_an_argon2_hash_of_the_password(self, api):
        api.post(URL, ANN)
        user = User.objects.get()
        assert user.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
        assert ANN["password"] not in user.password

    def test_publishes_user_registered(self, api, outbox_events):
        user_id = api.post(URL, ANN).json()["id"]
        (event,) = outbox_events(user_id)
        assert (event.type, event.version, event.sequence) == ("user.registered", 1, 1)
        assert event.data == {"user_id": user_id, "email": "Ann@Shop.example", "name": "Ann Alder"}

    def test_gives_nobody_a_role_he_asks_for(self, api):
        answer = api.post(URL, {**ANN, "role": "admin", "is_active": False})
        assert answer.json()["role"] == "customer"
        user = User.objects.get()
        assert (user.role, user.is_active) == ("customer", True)

    @pytest.mark.parametrize("email", ["Ann@Shop.example", "ann@shop.EXAMPLE", " ANN@shop.example"])
    def test_answers_409_for_a_taken_address_in_any_case(self, api, email, outbox_events):
        make_user(email="Ann@Shop.example")
        answer = api.post(URL, {**ANN, "email": email})
        assert answer.status_code == 409
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "email-taken"
        assert outbox_events() == []

    def test_names_every_missing_field(self, api):
        answer = api.post(URL, {})
        assert answer.status_code == 400
        assert answer.json()["code"] == "validation-failed"
        assert pointers(answer) == dict.fromkeys(["#/email", "#/password", "#/name"], "required")

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"email": "no-address"}, "#/email", "invalid"),
            ({"email": f"{'a' * 250}@shop.example"}, "#/email", "max_length"),
            ({"email": ["a@shop.example"]}, "#/email", "invalid"),
            ({"name": ""}, "#/name", "blank"),
            ({"name": "x" * 151}, "#/name", "max_length"),
            ({"name": "Ann\nBcc: everyone"}, "#/name", "unprintable"),
            ({"name": None}, "#/name", "null"),
            ({"name": 5}, "#/name", "invalid"),
            ({"email": 5}, "#/email", "invalid"),
            ({"password": 12345678901234567890}, "#/password", "invalid"),
            ({"password": "short1!"}, "#/password", "password_too_short"),
            ({"password": "password123"}, "#/password", "password_too_common"),
            ({"password": "ann alder x"}, "#/password", "password_too_similar"),
            ({"password": "Ann@Shop.example"}, "#/password", "password_too_similar"),
            ({"password": "x" * 257}, "#/password", "max_length"),
            ({"password": None}, "#/password", "null"),
        ],
    )
    def test_points_at_the_bad_field(self, api, change, pointer, code):
        answer = api.post(URL, {**ANN, **change})
        assert answer.status_code == 400
        assert pointers(answer)[pointer] == code
        assert list(pointers(answer)) == [pointer]
        assert not User.objects.exists()

    def test_takes_a_password_as_it_is(self, api):
        api.post(URL, {**ANN, "password": "  spaces around  "})
        assert User.objects.get().check_password("  spaces around  ")

    @pytest.mark.parametrize("body", [b"[]", b'"text"', b"null", b"7"])
    def test_refuses_a_body_that_is_no_object(self, api, body):
        answer = api.generic("POST", URL, body, content_type="application/json")
        assert answer.status_code == 400
        assert answer.json()["code"] == "validation-failed"

    def test_refuses_a_body_that_is_no_json(self, api):
        answer = api.generic("POST", URL, b"{", content_type="application/json")
        assert answer.status_code == 400
        assert answer.json()["code"] == "body-malformed"

    def test_refuses_another_content_type(self, api):
        answer = api.generic("POST", URL, b"a=b", content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 415
        assert answer.json()["code"] == "unsupported-media-type"

    def test_refuses_another_method(self, api):
        answer = api.get(URL)
        assert answer.status_code == 405
        assert answer.json()["code"] == "method-not-allowed"

    def test_does_not_look_at_a_token_sent_along(self, api):
        api.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
        assert api.post(URL, ANN).status_code == 201


@pytest.mark.django_db
class TestThrottle:
    def test_lets_one_address_try_60_times_a_minute(self, api):
        for _ in range(60):
            assert api.post(URL, {}).status_code == 400
        answer = api.post(URL, {})
        assert answer.status_code == 429
        assert answer.json()["code"] == "rate-limited"
        assert 1 <= int(answer["Retry-After"]) <= 60

    def test_counts_each_address_by_what_the_gateway_adds(self, api, settings):
        settings.REGISTRATIONS_PER_MINUTE = 1
        statuses = [
            api.post(URL, {}, HTTP_X_FORWARDED_FOR=addresses).status_code
            for addresses in ("192.0.2.1", "192.0.2.2", "192.0.2.9, 192.0.2.1")
        ]
        assert statuses == [400, 400, 429]

    def test_counts_an_ipv6_line_as_one_address(self, api, settings):
        settings.REGISTRATIONS_PER_MINUTE = 1
        answers = [
            api.post(URL, {}, HTTP_X_FORWARDED_FOR=address)
            for address in ("2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:1:2:ffff::1")
        ]
        assert [answer.status_code for answer in answers] == [400, 400, 429]
        assert answers[-1].json()["code"] == "rate-limited"

    def test_fails_open_when_redis_is_down(self, api, settings, caplog):
        default = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1"}
        settings.CACHES = {"default": default}
        settings.REGISTRATIONS_PER_MINUTE = 1
        assert api.post(URL, ANN).status_code == 201
        assert api.post(URL, ANN).status_code == 409
        assert "throttle_skipped" in str([record.msg for record in caplog.records])


@pytest.mark.django_db(transaction=True)
class TestRegisterTogether:
    def test_gives_an_address_to_one_of_many(self, outbox_events):
        emails = ["ann@shop.example", "Ann@shop.example", "ANN@SHOP.EXAMPLE"] * 3

        def register(email: str) -> Any:
            return APIClient(raise_request_exception=False).post(URL, {**ANN, "email": email})

        answers = at_once(*(lambda email=email: register(email) for email in emails))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 8
        assert {a.json().get("code") for a in answers} == {None, "email-taken"}
        assert User.objects.count() == 1
        assert len(outbox_events()) == 1

    def test_undoes_the_account_when_the_event_cannot_be_written(self, monkeypatch):
        def publish(*_: Any, **__: Any) -> None:
            assert connection.in_atomic_block
            raise RuntimeError("no event")

        monkeypatch.setattr("apps.auth_service.services.accounts.events.publish", publish)
        with pytest.raises(RuntimeError, match="no event"):
            accounts.register_user(email="a@shop.example", name="A", password="x")
        assert not User.objects.exists()
