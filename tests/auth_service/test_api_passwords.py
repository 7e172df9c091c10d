"""POST /password/change, /password/reset and /password/reset/confirm."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth_service.errors import LinkInvalid, NotFound
from apps.auth_service.models import Role
from apps.auth_service.services import accounts, attempts, links, passwords
from chassis.ids import uuid7
from chassis.models import AggregateSequence, AuditEntry
from tests.auth_service.factories import PASSWORD, make_user
from tests.auth_service.racing import at_once

CHANGE_URL = "/api/v1/auth/password/change"
RESET_URL = "/api/v1/auth/password/reset"
CONFIRM_URL = "/api/v1/auth/password/reset/confirm"
LOG_IN_URL = "/api/v1/auth/token"
WRONG = "wrong horse battery"
NEW = "a new battery staple"


def token_of(mail: Any) -> str:
    """Return the token in a mail's link."""
    match = re.search(r"\?token=(\S+)", mail.body)
    assert match is not None
    return match[1]


def errors_of(answer: Any) -> list[tuple[str, str]]:
    assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


@pytest.mark.django_db
class TestChange:
    def test_sets_the_new_password(self, client_as):
        user = make_user()
        body = {"current_password": PASSWORD, "new_password": NEW}
        answer = client_as("customer", user.id).post(CHANGE_URL, body)
        assert (answer.status_code, answer.content) == (204, b"")
        user.refresh_from_db()
        assert user.check_password(NEW)

    def test_ends_every_log_in(self, client_as, log_in, refresh):
        user, other = make_user(), make_user()
        tokens = [log_in(user)["refresh"], log_in(user)["refresh"]]
        others = log_in(other)["refresh"]
        body = {"current_password": PASSWORD, "new_password": NEW}
        client_as("customer", user.id).post(CHANGE_URL, body)
        assert [refresh(token).status_code for token in tokens] == [401, 401]
        assert refresh(others).status_code == 200

    def test_points_at_a_wrong_current_password(self, client_as, log_in, refresh):
        user = make_user()
        token = log_in(user)["refresh"]
        body = {"current_password": WRONG, "new_password": NEW}
        answer = client_as("customer", user.id).post(CHANGE_URL, body)
        assert errors_of(answer) == [("#/current_password", "password-wrong")]
        user.refresh_from_db()
        assert user.check_password(PASSWORD)
        assert refresh(token).status_code == 200

    @pytest.mark.usefixtures("_long_delay")
    def test_answers_429_after_too_many_wrong_ones(self, client_as, hashed):
        client = client_as("customer", make_user().id)
        body = {"current_password": WRONG, "new_password": NEW}
        for _ in range(5):
            assert errors_of(client.post(CHANGE_URL, body))
        answer = client.post(CHANGE_URL, {**body, "current_password": PASSWORD})
        assert (answer.status_code, answer.json()["code"]) == (429, "rate-limited")
        assert int(answer["Retry-After"]) >= 1
        assert len(hashed) == 5

    @pytest.mark.parametrize(
        ("password", "code"),
        [
            ("short1!", "password_too_short"),
            ("password123", "password_too_common"),
            ("ann alder x", "password_too_similar"),
            ("x" * 257, "max_length"),
        ],
    )
    def test_points_at_a_new_password_that_will_not_do(self, client_as, password, code):
        user = make_user(name="Ann Alder")
        body = {"current_password": PASSWORD, "new_password": password}
        answer = client_as("customer", user.id).post(CHANGE_URL, body)
        assert errors_of(answer) == [("#/new_password", code)]
        user.refresh_from_db()
        assert user.check_password(PASSWORD)

    def test_points_at_missing_fields(self, client_as):
        answer = client_as("customer", make_user().id).post(CHANGE_URL, {})
        assert [pointer for pointer, _ in errors_of(answer)] == [
            "#/current_password",
            "#/new_password",
        ]

    def test_wants_a_users_token(self, api, as_service):
        answer = api.post(CHANGE_URL, {})
        assert (answer.status_code, answer.json()["code"]) == (401, "authentication-required")
        answer = as_service("order").post(CHANGE_URL, {})
        assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")

    def test_refuses_a_user_that_is_gone_or_inactive(self, client_as):
        body = {"current_password": PASSWORD, "new_password": NEW}
        for user_id in (uuid7(), make_user(is_active=False).id):
            answer = client_as("customer", user_id).post(CHANGE_URL, body)
            assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")


@pytest.mark.django_db(transaction=True)
class TestChangeTogether:
    def test_lets_one_of_two_through(self, client_as):
        user = make_user()
        client = client_as("customer", user.id)
        token = client._credentials

        def change(password: str) -> int:
            own = APIClient(raise_request_exception=False)
            own.credentials(**token)
            body = {"current_password": PASSWORD, "new_password": password}
            status: int = own.post(CHANGE_URL, body).status_code
            return status

        statuses = at_once(lambda: change(NEW), lambda: change(f"{NEW} too"))
        assert sorted(statuses) == [204, 400]


@pytest.mark.django_db
class TestReset:
    def test_mails_a_link(self, api, work, mailoutbox):
        user = make_user(email="Ann@Shop.example", name="Ann <b>Alder</b>")
        answer = api.post(RESET_URL, {"email": "ann@shop.EXAMPLE"})
        assert (answer.status_code, answer.json()) == (202, {"detail": "Look into your mail."})
        assert mailoutbox == []
        assert work() == ["mail sent"]
        (mail,) = mailoutbox
        assert mail.to == ["Ann@Shop.example"]
        assert "Hello Ann <b>Alder</b>," in mail.body
        ((html, kind),) = mail.alternatives
        assert kind == "text/html"
        assert "Hello Ann &lt;b&gt;Alder&lt;/b&gt;," in html
        token = token_of(mail)
        page = f"http://127.0.0.1:8000/admin/auth/password/reset?token={token}"
        assert page in mail.body
        assert f'href="{page}"' in html
        assert links.user_id_of(token) == user.id

    def test_mails_the_shops_own_link_if_one_is_set(self, api, work, mailoutbox, settings):
        settings.PASSWORD_RESET_URL = "https://shop.example/reset/{token}"
        api.post(RESET_URL, {"email": make_user().email})
        work()
        (mail,) = mailoutbox
        assert re.search(r"https://shop\.example/reset/[\w-]{22}\.[\w-]+\n", mail.body)

    def test_answers_the_same_whoever_is_named(self, api, django_assert_num_queries, hashed):
        emails = [
            make_user().email,
            make_user(is_active=False).email,
            make_user(awaits_confirmation=True).email,
            "nobody@shop.example",
        ]
        for email in emails:
            with django_assert_num_queries(3):  # begin, the event, end
                answer = api.post(RESET_URL, {"email": email})
            assert (answer.status_code, answer.json()) == (202, {"detail": "Look into your mail."})
        assert hashed == []

    def test_mails_no_one_without_an_active_account(self, api, work, mailoutbox):
        for email in ("nobody@shop.example", make_user(is_active=False).email):
            api.post(RESET_URL, {"email": email})
        assert work() == ["no active account"] * 2
        assert mailoutbox == []

    def test_numbers_its_events_under_no_address(self, api, outbox_events):
        for n in range(5):
            api.post(RESET_URL, {"email": f"user{n}@shop.example"})
        assert outbox_events()[0].data == {"email": "user0@shop.example", "by_staff": False}
        for subject in AggregateSequence.objects.values_list("subject", flat=True):
            assert re.fullmatch(r"mailbox-[0-9a-f]{2}", subject)

    def test_mails_one_account_five_times_an_hour(self, work, mailoutbox):
        user = make_user()
        for _ in range(6):
            passwords.request_reset(user.email)
        passwords.request_reset(make_user().email)
        assert work() == ["mail sent"] * 5 + ["too many mails", "mail sent"]
        assert len(mailoutbox) == 6

    def test_points_at_what_is_no_address(self, api):
        assert errors_of(api.post(RESET_URL, {"email": "ann"})) == [("#/email", "invalid")]

    def test_answers_429_beyond_ten_a_minute_from_one_address(self, api):
        for _ in range(10):
            assert api.post(RESET_URL, {"email": "ann@shop.example"}).status_code == 202
        answer = api.post(RESET_URL, {"email": "ann@shop.example"})
        assert (answer.status_code, answer.json()["code"]) == (429, "rate-limited")


@pytest.fixture
def reset_token(work, mailoutbox):
    """Return a function that has a link mailed to a user and returns its token."""

    def ask(user: Any) -> str:
        passwords.request_reset(user.email)
        work()
        return token_of(mailoutbox[-1])

    return ask


@pytest.mark.django_db
class TestConfirm:
    def test_sets_the_password_and_ends_every_log_in(self, api, reset_token, log_in, refresh):
        user = make_user()
        session = log_in(user)["refresh"]
        answer = api.post(CONFIRM_URL, {"token": reset_token(user), "new_password": NEW})
        assert (answer.status_code, answer.content) == (204, b"")
        assert refresh(session).status_code == 401
        for password, status in ((PASSWORD, 401), (NEW, 200)):
            answer = api.post(LOG_IN_URL, {"email": user.email, "password": password})
            assert answer.status_code == status

    def test_forgets_what_strangers_guessed(self, api, reset_token):
        user = make_user()
        now = timezone.now()
        for n in range(15):
            attempts.charge(email=user.email, user_id=user.id, ip=f"192.0.2.{n}", now=now)
        answer = api.post(LOG_IN_URL, {"email": user.email, "password": PASSWORD})
        assert (answer.status_code, answer.json()["code"]) == (429, "rate-limited")
        api.post(CONFIRM_URL, {"token": reset_token(user), "new_password": NEW})
        answer = api.post(LOG_IN_URL, {"email": user.email, "password": NEW})
        assert answer.status_code == 200

    def test_takes_a_token_once(self, api, reset_token):
        body = {"token": reset_token(make_user()), "new_password": NEW}
        assert api.post(CONFIRM_URL, body).status_code == 204
        answer = api.post(CONFIRM_URL, body)
        assert (answer.status_code, answer.json()["code"]) == (400, "link-invalid")
        assert answer["Content-Type"] == "application/problem+json"

    def test_keeps_the_token_good_when_the_password_will_not_do(self, api, reset_token):
        user = make_user(name="Ann Alder")
        token = reset_token(user)
        answer = api.post(CONFIRM_URL, {"token": token, "new_password": "ann alder x"})
        assert errors_of(answer) == [("#/new_password", "password_too_similar")]
        assert api.post(CONFIRM_URL, {"token": token, "new_password": NEW}).status_code == 204

    @pytest.mark.parametrize("change", ["password", "role", "deactivation", "another"])
    def test_refuses_a_token_that_something_ended(self, api, reset_token, change):
        user, admin = make_user(), make_user(role="admin")
        token = reset_token(user)
        if change == "password":
            passwords.change_password(user.id, current_password=PASSWORD, new_password=f"{NEW}s")
        elif change == "role":
            accounts.change_access(
                user.id, change=accounts.AccessChange(role=Role.STAFF), by=admin.id
            )
        elif change == "deactivation":
            accounts.change_access(
                user.id, change=accounts.AccessChange(is_active=False), by=admin.id
            )
        else:
            passwords.confirm_reset(token=reset_token(user), password=f"{NEW}s")
        answer = api.post(CONFIRM_URL, {"token": token, "new_password": NEW})
        assert (answer.status_code, answer.json()["code"]) == (400, "link-invalid")
        user.refresh_from_db()
        assert not user.check_password(NEW)

    def test_takes_it_for_an_hour(self):
        user, now = make_user(), timezone.now()
        late = links.make_token(user, "reset", now=now - timedelta(seconds=3601))
        with pytest.raises(LinkInvalid):
            passwords.confirm_reset(token=late, password=NEW, now=now)
        in_time = links.make_token(user, "reset", now=now - timedelta(seconds=3599))
        passwords.confirm_reset(token=in_time, password=NEW, now=now)

    def test_refuses_a_token_of_another_purpose_or_user(self, api, reset_token):
        user, other = make_user(awaits_confirmation=True), make_user()
        signed = reset_token(user).partition(".")[2]
        tokens = [
            links.make_token(user, "confirm", now=timezone.now()),
            f"{reset_token(other).partition('.')[0]}.{signed}",
        ]
        for token in tokens:
            answer = api.post(CONFIRM_URL, {"token": token, "new_password": NEW})
            assert (answer.status_code, answer.json()["code"]) == (400, "link-invalid")

    @pytest.mark.parametrize(
        "token",
        [
            "x",
            ".",
            "-",
            f"{'A' * 22}.d1-abc",
            f"{'_' * 22}.-",
            f"{'A' * 22}.{'z' * 50}-z",
            "ü" * 22 + ".a-b",
        ],
    )
    def test_refuses_what_is_no_token(self, api, token):
        answer = api.post(CONFIRM_URL, {"token": token, "new_password": NEW})
        assert (answer.status_code, answer.json()["code"]) == (400, "link-invalid")

    def test_confirms_the_address_too(self, api, reset_token, outbox_events):
        user = make_user(awaits_confirmation=True)
        api.post(CONFIRM_URL, {"token": reset_token(user), "new_password": NEW})
        user.refresh_from_db()
        assert not user.awaits_confirmation
        assert [event.type for event in outbox_events(user.id)] == ["user.registered"]
        answer = api.post(LOG_IN_URL, {"email": user.email, "password": NEW})
        assert answer.status_code == 200


@pytest.mark.django_db(transaction=True)
class TestConfirmTogether:
    def test_takes_a_token_once(self):
        user = make_user()
        token = links.make_token(user, "reset", now=timezone.now())

        def confirm(password: str) -> bool:
            try:
                passwords.confirm_reset(token=token, password=password)
            except LinkInvalid:
                return False
            return True

        done = at_once(*(lambda n=n: confirm(f"{NEW} {n}") for n in range(5)))
        assert sum(done) == 1
        user.refresh_from_db()
        assert user.check_password(f"{NEW} {done.index(True)}")


@pytest.mark.django_db
class TestSendReset:
    def test_mails_a_link_and_is_audited(self, work, mailoutbox):
        user, staff = make_user(), make_user(role="staff")
        passwords.send_reset(user.id, by=staff.id)
        assert work() == ["mail sent"]
        assert mailoutbox[0].to == [user.email]
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.target_id) == ("user.reset_sent", str(user.id))
        assert (entry.actor_id, entry.details) == (staff.id, {})

    def test_refuses_a_user_that_is_gone_or_inactive(self, outbox_events):
        for user_id in (uuid7(), make_user(is_active=False).id):
            with pytest.raises(NotFound):
                passwords.send_reset(user_id, by=uuid7())
        assert outbox_events() == []
        assert not AuditEntry.objects.exists()
