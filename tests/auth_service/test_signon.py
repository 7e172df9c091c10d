"""The log-in pages of staff, and the token that each service's admin gets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import unquote, urlencode

import jwt
import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from apps.auth_service.errors import CredentialsInvalid, TokenInvalid
from apps.auth_service.models import RefreshFamily, Role, User
from apps.auth_service.services import accounts, links, sessions, staff
from chassis.models import AuditEntry, OutboxEvent
from chassis.tokens.deny import deny_list
from chassis.tokens.keys import keyring
from tests.auth_service.factories import PASSWORD, make_user
from tests.auth_service.racing import wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

LOG_IN, SIGN_ON, LOG_OUT = (f"/admin/auth/{name}" for name in ("log-in", "sign-on", "log-out"))
ORIGIN = "http://testserver"


@pytest.fixture
def browser():
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def enter(browser, user, *, password=PASSWORD, next_path="/admin/catalog/"):
    browser.get(LOG_IN)
    body = {
        "csrfmiddlewaretoken": browser.cookies["souk_auth_csrf"].value,
        "email": user.email,
        "password": password,
        "next": next_path,
    }
    return browser.post(LOG_IN, body)


def sign_on(browser, path, method="get"):
    return getattr(browser, method)(f"{SIGN_ON}?{urlencode({'next': path})}")


class TestLogIn:
    @pytest.mark.parametrize("role", [Role.STAFF, Role.ADMIN])
    def test_opens_a_log_in_and_goes_on_to_where_one_wanted(self, browser, role):
        user = make_user(role=role)
        answer = enter(browser, user, next_path="/admin/orders/x/?status=paid&q=a b")
        assert (answer.status_code, answer["Location"]) == (
            303,
            f"{SIGN_ON}?{urlencode({'next': '/admin/orders/x/?status=paid&q=a b'})}",
        )
        family = RefreshFamily.objects.get(user=user)
        assert family.expires_at - family.created_at == timedelta(hours=12)
        cookie = browser.cookies["souk_auth_login"]
        assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == (
            "/admin/auth/",
            "Lax",
            True,
        )

    def test_is_refused_without_a_csrf_token(self, browser):
        answer = browser.post(LOG_IN, {"email": make_user(role=Role.STAFF).email, "password": "x"})
        assert answer.status_code == 403
        assert not RefreshFamily.objects.exists()

    def test_says_the_same_of_a_wrong_password_and_an_unknown_account(self, browser):
        known = enter(browser, make_user(role=Role.STAFF), password="wrong")
        unknown = enter(browser, User(email="nobody@shop.example"), password="wrong")
        for answer in (known, unknown):
            assert answer.status_code == 400
            assert b"E-mail address or password is wrong" in answer.content
        assert "souk_auth_login" not in browser.cookies

    def test_does_not_let_customers_in(self, browser):
        answer = enter(browser, make_user(role=Role.CUSTOMER))
        assert answer.status_code == 403
        assert b"no access to the admin" in answer.content
        assert not RefreshFamily.objects.exists()

    @pytest.mark.usefixtures("_long_delay")
    def test_says_when_to_come_again_after_too_many_attempts(self, browser):
        user = make_user(role=Role.STAFF)
        answers = [enter(browser, user, password="wrong") for _ in range(8)]
        assert answers[-1].status_code == 429
        assert int(answers[-1]["Retry-After"]) >= 1
        assert enter(browser, user).status_code == 429

    @pytest.mark.parametrize(("role", "status"), [(Role.STAFF, 303), (Role.CUSTOMER, 403)])
    def test_is_bounded_by_the_rate_of_right_passwords(self, browser, settings, role, status):
        settings.LOGINS_PER_MINUTE = 1
        user = make_user(role=role)
        assert enter(browser, user).status_code == status
        answer = enter(browser, user)
        assert answer.status_code == 429
        assert 1 <= int(answer["Retry-After"]) <= 60

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "https://evil.example/admin/catalog/",
            "//evil.example/admin/catalog/",
            "/\\evil.example",
            "/api/v1/auth/me",
            "javascript:alert(1)",
            "/admin/catalogue/",
            "/admin/catalog/../../api/v1/auth/me",
            "/admin/catalog/%2e%2E/x",
            "/admin/catalog/..",
            "/admin/catalog/\\evil.example",
            "/admin/catalog/\r\nSet-Cookie: a=b",
            "",
        ],
    )
    def test_leads_to_no_other_place(self, browser, elsewhere):
        answer = enter(browser, make_user(role=Role.STAFF), next_path=elsewhere)
        assert answer["Location"] == f"{SIGN_ON}?{urlencode({'next': '/admin/auth/'})}"

    def test_is_not_asked_for_again_by_a_second_tab(self, browser):
        enter(browser, make_user(role=Role.STAFF))
        answer = browser.get(f"{LOG_IN}?{urlencode({'next': '/admin/orders/'})}")
        wanted = f"{SIGN_ON}?{urlencode({'next': '/admin/orders/'})}"
        assert (answer.status_code, answer["Location"]) == (303, wanted)

    def test_ends_the_one_before_in_the_same_browser(self, browser):
        first, second = make_user(role=Role.STAFF), make_user(role=Role.ADMIN)
        page = browser.get(LOG_IN)
        enter(browser, first)
        token = browser.cookies["souk_auth_csrf"].value
        body = {"email": second.email, "password": PASSWORD, "csrfmiddlewaretoken": token}
        assert page.status_code == 200
        assert browser.post(LOG_IN, body).status_code == 303
        live = RefreshFamily.objects.filter(revoked_at=None)
        assert [family.user_id for family in live] == [second.id]


class TestDjangosLogIn:
    def test_leads_to_ours_and_keeps_where_one_wanted(self, browser):
        answer = browser.get("/admin/auth/login/?next=/admin/orders/")
        assert (answer.status_code, answer["Location"]) == (302, f"{LOG_IN}?next=/admin/orders/")


class TestSignOn:
    @pytest.mark.parametrize(
        ("service", "path"),
        [("auth", "/admin/auth/"), ("catalog", "/admin/catalog/"), ("order", "/admin/orders/")],
    )
    def test_gives_a_token_for_one_service_under_its_path(self, browser, service, path):
        user = make_user(role=Role.STAFF, name="Zoë 1")
        enter(browser, user)
        answer = sign_on(browser, f"{path}deep/?a=1")
        assert (answer.status_code, answer["Location"]) == (302, f"{path}deep/?a=1")
        assert "no-store" in answer["Cache-Control"]
        cookie = answer.cookies[f"souk_{service}_token"]
        assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == (path, "Lax", True)
        claims = jwt.decode(cookie.value, options={"verify_signature": False})
        assert claims["aud"] == f"souk-admin-{service}"
        assert (claims["user_id"], claims["role"]) == (str(user.id), "staff")
        assert claims["exp"] - claims["iat"] == 300
        assert set(claims) == {
            *("iss", "aud", "sub", "user_id", "role", "exp", "iat", "jti", "scope")
        }
        assert answer.cookies["souk_staff_name"].value == "Zo%C3%AB%201"

    @pytest.mark.parametrize("path", ["/admin/catalog/x/", f"/admin/catalog/?q={'я' * 5000}"])
    def test_keeps_method_and_body_of_a_form(self, browser, path):
        enter(browser, make_user(role=Role.STAFF))
        answer = sign_on(browser, path, "post")
        assert (answer.status_code, unquote(answer["Location"])) == (307, path)

    def test_sends_a_form_to_no_other_page_than_its_own(self, browser):
        enter(browser, make_user(role=Role.STAFF))
        answer = sign_on(browser, "/elsewhere/", "post")
        assert (answer.status_code, answer["Location"]) == (303, "/admin/auth/")

    def test_marks_cookies_secure_where_the_shop_is(self, browser, settings):
        settings.SESSION_COOKIE_SECURE = True
        enter(browser, make_user(role=Role.STAFF))
        answer = sign_on(browser, "/admin/catalog/")
        assert answer.cookies["souk_catalog_token"]["secure"]
        assert browser.cookies["souk_auth_login"]["secure"]

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_asks_to_log_in_without_a_log_in(self, browser, method):
        answer = sign_on(browser, "/admin/orders/x/?a=1", method)
        lost = {"lost": "1"} if method == "post" else {}
        wanted = urlencode({"next": "/admin/orders/x/?a=1", **lost})
        assert (answer.status_code, answer["Location"]) == (303, f"{LOG_IN}?{wanted}")
        told = b"What you sent was not done" in browser.get(answer["Location"]).content
        assert told is bool(lost)

    @pytest.mark.parametrize("value", ["", "x", "01a20d71-7d4f-72d0-a88f-5e8f597f63cf:forged:sig"])
    def test_takes_no_forged_log_in(self, browser, value):
        browser.cookies["souk_auth_login"] = value
        assert sign_on(browser, "/admin/catalog/").status_code == 303

    @pytest.mark.parametrize("end", ["revoke_all", "deactivate", "expire", "end_session"])
    def test_gives_none_once_the_log_in_has_ended(self, browser, end):
        user, admin = make_user(role=Role.STAFF), make_user(role=Role.ADMIN)
        enter(browser, user)
        family = RefreshFamily.objects.get(user=user)
        if end == "revoke_all":
            sessions.revoke_all(user.id)
        elif end == "deactivate":
            change = accounts.AccessChange(is_active=False)
            accounts.change_access(user.id, change=change, by=admin.id)
        elif end == "end_session":
            sessions.end_session(family.id, user_id=user.id, by=None)
        else:
            earlier = timezone.now() - timedelta(hours=13)
            RefreshFamily.objects.update(
                created_at=earlier, expires_at=earlier + timedelta(hours=12)
            )
        answer = sign_on(browser, "/admin/catalog/")
        assert answer.status_code == 303
        assert "souk_catalog_token" not in answer.cookies

    def test_gives_none_to_who_is_no_longer_staff(self, browser):
        user, admin = make_user(role=Role.STAFF), make_user(role=Role.ADMIN)
        enter(browser, user)
        change = accounts.AccessChange(role=Role.CUSTOMER)
        accounts.change_access(user.id, change=change, by=admin.id)
        answer = sign_on(browser, "/admin/catalog/")
        assert answer.status_code == 403
        assert "souk_catalog_token" not in answer.cookies

    def test_gives_a_token_with_the_new_role_in_the_second_of_its_change(self, browser):
        user, admin = make_user(role=Role.STAFF), make_user(role=Role.ADMIN)
        enter(browser, user)
        accounts.change_access(user.id, change=accounts.AccessChange(role=Role.ADMIN), by=admin.id)
        cookie = sign_on(browser, "/admin/auth/").cookies["souk_auth_token"]
        claims = jwt.decode(cookie.value, options={"verify_signature": False})
        assert claims["role"] == "admin"
        keyring.refresh()
        deny_list.load()
        browser.cookies = sign_on(browser, "/admin/auth/").cookies
        assert browser.get("/admin/auth/").status_code == 200


class TestLogOut:
    def test_ends_the_log_in_and_forgets_every_token(self, browser):
        user = make_user(role=Role.STAFF)
        enter(browser, user)
        answer = browser.post(LOG_OUT, HTTP_ORIGIN=ORIGIN)
        assert (answer.status_code, answer["Location"]) == (303, LOG_IN)
        paths = {
            "souk_auth_token": "/admin/auth/",
            "souk_catalog_token": "/admin/catalog/",
            "souk_order_token": "/admin/orders/",
            "souk_staff_name": "/admin/",
            "souk_auth_login": "/admin/auth/",
        }
        for name, path in paths.items():
            cookie = answer.cookies[name]
            assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", 0, path)
        assert RefreshFamily.objects.get(user=user).revoked_at is not None

    def test_is_audited_once_like_the_log_in(self, browser):
        user = make_user(role=Role.STAFF)
        enter(browser, user)
        family = RefreshFamily.objects.get()
        for _ in range(2):
            staff.close_session(family.id)
        entries = AuditEntry.objects.order_by("id")
        assert [entry.action for entry in entries] == ["staff.logged_in", "staff.logged_out"]
        for entry in entries:
            assert (entry.target_type, entry.target_id) == ("session", str(family.id))
            assert entry.actor_id == user.id

    @pytest.mark.parametrize(
        "origin", [None, "null", "https://evil.example", "http://testserver.x"]
    )
    def test_is_not_for_another_sites_pages(self, browser, origin):
        enter(browser, make_user(role=Role.STAFF))
        answer = browser.post(LOG_OUT, **({"HTTP_ORIGIN": origin} if origin else {}))
        assert answer.status_code == 403
        assert RefreshFamily.objects.get().revoked_at is None

    def test_is_no_get(self, browser):
        assert browser.get(LOG_OUT).status_code == 405


def post_form(browser, path, **fields):
    browser.get(path)
    token = browser.cookies["souk_auth_csrf"].value
    return browser.post(path, {"csrfmiddlewaretoken": token, **fields})


class TestResetPassword:
    PAGE = "/admin/auth/password/reset"

    def test_says_the_same_whoever_the_address_is_of(self, browser):
        known = post_form(browser, self.PAGE, email=make_user().email)
        unknown = post_form(browser, self.PAGE, email="nobody@shop.example")
        assert known.status_code == unknown.status_code == 200
        assert known.content == unknown.content
        assert OutboxEvent.objects.filter(type="user.password_reset_requested").count() == 2

    def test_is_bounded_by_the_rate_of_requests(self, browser):
        answers = [post_form(browser, self.PAGE, email="nobody@shop.example") for _ in range(11)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        assert OutboxEvent.objects.filter(type="user.password_reset_requested").count() == 10

    def test_says_at_once_that_a_link_is_dead(self, browser):
        answer = browser.get(f"{self.PAGE}?token=x")
        assert answer.status_code == 400
        assert b"no longer good" in answer.content

    def test_sets_a_password_by_the_token_of_a_mail_once(self, browser):
        user = make_user()
        token = links.make_token(user, "reset", now=timezone.now())
        page = browser.get(f"{self.PAGE}?{urlencode({'token': token})}")
        assert token in page.content.decode()
        new = {"token": token, "password": "a new horse battery", "again": "a new horse battery"}
        assert post_form(browser, self.PAGE, **new).status_code == 200
        user.refresh_from_db()
        assert user.check_password("a new horse battery")
        again = post_form(browser, self.PAGE, **new)
        assert again.status_code == 400
        assert b"no longer good" in again.content

    @pytest.mark.parametrize(
        ("password", "again", "reason"),
        [
            ("short", "short", "too short"),
            ("password123", "password123", "too common"),
            ("a new horse battery", "another", "differ"),
        ],
    )
    def test_says_what_is_wrong_with_a_password(self, browser, password, again, reason):
        user = make_user()
        token = links.make_token(user, "reset", now=timezone.now())
        answer = post_form(browser, self.PAGE, token=token, password=password, again=again)
        assert answer.status_code == 400
        assert reason in answer.content.decode()
        user.refresh_from_db()
        assert user.check_password(PASSWORD)


class TestConfirmEmail:
    PAGE = "/admin/auth/email/confirm"

    def test_confirms_by_the_password_and_not_by_opening_the_link(self, browser):
        user = make_user(awaits_confirmation=True)
        token = links.make_token(user, "confirm", now=timezone.now())
        browser.get(f"{self.PAGE}?{urlencode({'token': token})}")
        user.refresh_from_db()
        assert user.awaits_confirmation
        wrong = post_form(browser, self.PAGE, token=token, password="a stranger's")
        assert wrong.status_code == 400
        assert b"not the password of the last registration" in wrong.content
        assert post_form(browser, self.PAGE, token=token, password=PASSWORD).status_code == 200
        user.refresh_from_db()
        assert not user.awaits_confirmation

    @pytest.mark.parametrize("token", ["", "x", "a.b"])
    def test_says_that_a_link_is_dead(self, browser, token):
        browser.get(LOG_IN)
        form = {"token": token or "x", "password": PASSWORD}
        csrf = {"csrfmiddlewaretoken": browser.cookies["souk_auth_csrf"].value}
        answers = [
            browser.get(f"{self.PAGE}?{urlencode({'token': token})}"),
            browser.post(self.PAGE, {**form, **csrf}),
        ]
        for _ in range(9):
            browser.post(self.PAGE, {**form, **csrf})
        assert browser.post(self.PAGE, {**form, **csrf}).status_code == 429
        for answer in answers:
            assert answer.status_code == 400
            assert b"no longer good" in answer.content


class TestRaces:
    def test_a_log_in_ends_before_it_begins_when_the_password_changed_meanwhile(self):
        user = make_user(role=Role.STAFF)
        User.objects.filter(pk=user.id).update(password="changed")
        with pytest.raises(CredentialsInvalid):
            staff.open_session(user)
        assert not RefreshFamily.objects.exists()

    def test_a_pass_waits_for_a_change_under_way_and_sees_it(self):
        user = make_user(role=Role.STAFF)
        family = staff.open_session(user)

        def issue():
            try:
                staff.issue_pass(family.id, service="catalog")
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                User.objects.select_for_update().get(pk=user.id)
                issued = pool.submit(issue)
                wait_until_blocked()
                RefreshFamily.objects.update(revoked_at=timezone.now())
            with pytest.raises(TokenInvalid):
                issued.result(timeout=30)
