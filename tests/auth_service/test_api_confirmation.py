"""POST /register with VERIFY_EMAIL, and POST /email/confirm."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth_service.errors import LinkInvalid
from apps.auth_service.models import Role, User
from apps.auth_service.services import accounts, links
from settings import env
from tests.auth_service.factories import PASSWORD, make_user
from tests.auth_service.racing import at_once

REGISTER_URL = "/api/v1/auth/register"
CONFIRM_URL = "/api/v1/auth/email/confirm"
LOG_IN_URL = "/api/v1/auth/token"
ANN = {"email": "Ann@Shop.example", "password": PASSWORD, "name": "Ann Alder"}
MAILED = {"detail": "Look into your mail."}


@pytest.fixture(autouse=True)
def _verify_email(settings):
    settings.VERIFY_EMAIL = True


@pytest.fixture
def mailed_token(work, mailoutbox):
    """Return a function that sends the mails and returns the last one's token."""

    def read() -> str:
        work()
        match = re.search(r"/admin/auth/email/confirm\?token=(\S+)", mailoutbox[-1].body)
        assert match is not None
        return match[1]

    return read


def log_in_with(api: Any, password: str = PASSWORD) -> Any:
    return api.post(LOG_IN_URL, {"email": ANN["email"], "password": password})


def confirm(api: Any, token: str, password: str = PASSWORD) -> Any:
    return api.post(CONFIRM_URL, {"token": token, "password": password})


@pytest.mark.django_db
class TestRegister:
    def test_mails_a_link_and_lets_no_one_in_before(self, api, mailed_token, outbox_events):
        answer = api.post(REGISTER_URL, ANN)
        assert (answer.status_code, answer.json()) == (202, MAILED)
        answer = log_in_with(api)
        assert (answer.status_code, answer.json()["code"]) == (401, "credentials-invalid")
        user = User.objects.get()
        assert outbox_events(user.id) == []
        answer = confirm(api, mailed_token())
        assert (answer.status_code, answer.content) == (204, b"")
        assert log_in_with(api).status_code == 200
        (event,) = outbox_events(user.id)
        assert event.type == "user.registered"
        assert event.data["email"] == ANN["email"]

    def test_writes_nothing_of_the_stranger_who_registers_to_the_address(
        self, api, work, mailoutbox
    ):
        api.post(REGISTER_URL, {**ANN, "name": "Win at https://spam.example"})
        work()
        (mail,) = mailoutbox
        assert "spam" not in mail.body
        assert "spam" not in mail.alternatives[0].content

    def test_answers_the_same_whether_the_address_is_taken(
        self, api, hashed, django_assert_num_queries
    ):
        make_user(email="taken@shop.example")
        make_user(email="waiting@shop.example", awaits_confirmation=True)
        make_user(email="inactive@shop.example", is_active=False)
        for name in ("new", "taken", "waiting", "inactive"):
            hashed.clear()
            with django_assert_num_queries(4):  # begin, the account, the event, end
                answer = api.post(REGISTER_URL, {**ANN, "email": f"{name}@Shop.example"})
            assert (answer.status_code, answer.json()) == (202, MAILED)
            assert hashed == [1]

    @pytest.mark.parametrize(
        "fields", [{}, {"awaits_confirmation": True, "is_active": False}, {"is_active": False}]
    )
    def test_changes_no_account_that_is_confirmed_or_inactive(self, api, fields):
        user = make_user(email=ANN["email"], name="Other", **fields)
        before = User.objects.values().get(pk=user.pk)
        api.post(REGISTER_URL, {**ANN, "password": "another battery"})
        assert User.objects.values().get() == before

    def test_tells_the_owner_of_a_confirmed_one_by_mail(self, api, work, mailoutbox):
        make_user(email="ann@shop.example", name="Ann")
        api.post(REGISTER_URL, ANN)
        assert work() == ["mail sent"]
        (mail,) = mailoutbox
        assert mail.to == ["ann@shop.example"]
        assert mail.subject == "You have an account already"
        assert "token" not in mail.body

    def test_mails_no_one_who_is_inactive(self, api, work, mailoutbox):
        make_user(email=ANN["email"], is_active=False)
        api.post(REGISTER_URL, ANN)
        assert work() == ["no active account"]
        assert mailoutbox == []

    def test_replaces_what_was_given_for_an_unconfirmed_address(self, api, mailed_token):
        api.post(REGISTER_URL, {**ANN, "email": "ann@shop.example", "password": "another battery"})
        old = mailed_token()
        api.post(REGISTER_URL, {**ANN, "name": "Ann Birch"})
        new = mailed_token()
        answer = confirm(api, old)
        assert (answer.status_code, answer.json()["code"]) == (400, "link-invalid")
        assert confirm(api, new).status_code == 204
        user = User.objects.get()
        assert (user.email, user.name) == (ANN["email"], "Ann Birch")
        assert log_in_with(api).status_code == 200

    def test_names_bad_fields_as_ever(self, api):
        answer = api.post(REGISTER_URL, {**ANN, "email": "ann"})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")


@pytest.mark.django_db(transaction=True)
class TestRegisterTogether:
    def test_makes_one_account(self):
        def register(n: int) -> int:
            client = APIClient(raise_request_exception=False)
            status: int = client.post(REGISTER_URL, {**ANN, "name": f"Ann {n}"}).status_code
            return status

        assert at_once(*(lambda n=n: register(n) for n in range(5))) == [202] * 5
        assert User.objects.count() == 1


@pytest.mark.django_db
class TestConfirm:
    def test_is_refused_to_who_reads_the_mail_of_a_strangers_registration(self, api, mailed_token):
        api.post(REGISTER_URL, ANN)
        api.post(REGISTER_URL, {**ANN, "password": "the stranger's own"})
        token = mailed_token()
        answer = confirm(api, token)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("#/password", "password-wrong")
        assert User.objects.get().awaits_confirmation

    def test_is_bounded_for_each_address(self, api):
        answers = [confirm(api, "x") for _ in range(11)]
        assert [answer.status_code for answer in answers] == [400] * 10 + [429]
        assert answers[-1].json()["code"] == "rate-limited"

    def test_is_no_way_round_for_strangers_who_use_up_the_mails(
        self, api, work, mailed_token, mailoutbox
    ):
        for n in range(7):
            api.post(REGISTER_URL, {**ANN, "password": f"stranger's own {n}"})
        work()
        assert len(mailoutbox) == 5
        api.post("/api/v1/auth/password/reset", {"email": ANN["email"]})
        work()
        match = re.search(r"/password/reset\?token=(\S+)", mailoutbox[-1].body)
        assert match is not None
        strange = {**ANN, "email": ANN["email"].lower(), "password": "stranger's own 9"}
        api.post(REGISTER_URL, strange)
        new = {"token": match[1], "new_password": PASSWORD}
        url = "/api/v1/auth/password/reset/confirm"
        assert [api.post(url, new).status_code for _ in range(2)] == [204, 400]
        assert log_in_with(api).status_code == 200

    def test_takes_a_token_once(self, api, mailed_token, outbox_events):
        api.post(REGISTER_URL, ANN)
        token = mailed_token()
        statuses = [confirm(api, token).status_code for _ in range(2)]
        assert statuses == [204, 400]
        assert len(outbox_events(User.objects.get().id)) == 1

    def test_takes_it_for_an_hour(self):
        user, now = make_user(awaits_confirmation=True), timezone.now()
        late = links.make_token(user, "confirm", now=now - timedelta(seconds=3601))
        with pytest.raises(LinkInvalid):
            accounts.confirm_email(token=late, password=PASSWORD, now=now)
        in_time = links.make_token(user, "confirm", now=now - timedelta(seconds=3599))
        accounts.confirm_email(token=in_time, password=PASSWORD, now=now)

    def test_refuses_the_token_of_a_password_reset(self, api):
        user = make_user(awaits_confirmation=True)
        token = links.make_token(user, "reset", now=timezone.now())
        answer = confirm(api, token)
        assert (answer.status_code, answer.json()["code"]) == (400, "link-invalid")
        user.refresh_from_db()
        assert user.awaits_confirmation

    def test_refuses_an_inactive_account(self, api):
        user = make_user(awaits_confirmation=True)
        token = links.make_token(user, "confirm", now=timezone.now())
        User.objects.update(is_active=False)
        answer = confirm(api, token)
        assert (answer.status_code, answer.json()["code"]) == (400, "link-invalid")

    def test_takes_the_shops_own_link_if_one_is_set(
        self, api, work, mailoutbox, settings, monkeypatch
    ):
        link = "https://shop.example/welcome?code={token}"
        monkeypatch.setenv("CONFIRM_EMAIL_URL", link)
        settings.CONFIRM_EMAIL_URL = env.read("auth")["CONFIRM_EMAIL_URL"]
        api.post(REGISTER_URL, ANN)
        work()
        match = re.search(r"https://shop\.example/welcome\?code=(\S+)", mailoutbox[0].body)
        assert match is not None
        assert confirm(api, match[1]).status_code == 204


@pytest.mark.django_db
class TestCommands:
    def test_confirm_the_account_that_they_ensure(self, outbox_events):
        user = make_user(awaits_confirmation=True)
        accounts.ensure_user(email=user.email, name="Ann", role=Role.ADMIN, password=None)
        user.refresh_from_db()
        assert user.may_log_in
        types = [event.type for event in outbox_events(user.id)]
        assert types == ["user.registered", "user.role_changed"]
