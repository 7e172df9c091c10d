"""The middleware that lets staff into a service's admin."""

import dataclasses
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from chassis.admin import signon
from chassis.ids import uuid7
from chassis.tokens.deny import deny_list
from tests.conftest import claims

PATH = "/admin/orders/chassis/outboxevent/?q=a%20b&o=-1"


@pytest.fixture
def admin_claims():
    def make(**changes):
        return claims(**{"aud": "souk-admin-order", "role": "staff", **changes})

    return make


def visit(token="", *, method="get", path=PATH, view=lambda request: HttpResponse(), **cookies):
    """Return the answer to a visit, and the user that the view saw."""
    request = getattr(RequestFactory(), method)(path)
    if token:
        request.COOKIES["souk_order_token"] = token
    request.COOKIES.update(cookies)
    seen = []

    def respond(request):
        seen.append(request.user)
        return view(request)

    middleware = signon.SignOnMiddleware(respond)
    answer = middleware.process_request(request)
    answer = answer or middleware.process_view(request, view, (), {})
    return answer or respond(request), seen


class TestSignOnMiddleware:
    @pytest.mark.parametrize("role", ["staff", "admin"])
    def test_lets_staff_in_without_a_query(
        self, signing_key, admin_claims, django_assert_num_queries, role
    ):
        user_id = uuid7()
        token = signing_key.sign(admin_claims(role=role, user_id=user_id))
        answer, (user,) = visit(token, souk_staff_name="Zo%C3%AB%201")
        assert answer.status_code == 200
        assert (user.user_id, user.role, user.get_full_name()) == (user_id, role, "Zoë 1")
        assert user.is_staff
        assert user.is_authenticated

    @pytest.mark.parametrize(("method", "status"), [("get", 302), ("head", 302), ("post", 307)])
    def test_sends_everybody_else_to_auth_and_back_here(self, signing_key, method, status):
        answer, seen = visit(method=method)
        assert answer.status_code == status
        assert answer["Location"] == f"/admin/auth/sign-on?{urlencode({'next': PATH})}"
        assert "no-store" in answer["Cache-Control"]
        assert not seen

    @pytest.mark.parametrize(
        "changes",
        [
            {"aud": "souk"},
            {"aud": "souk-internal"},
            {"aud": "souk-admin-catalog"},
            {"aud": ["souk-admin-order"]},
            {"role": "customer"},
            {"role": "service"},
            {"exp": int(time.time()) - 60},
            {"iss": "https://evil.example"},
        ],
    )
    def test_takes_no_other_token(self, signing_key, admin_claims, changes):
        minute_ago = int(time.time()) - 60
        answer, seen = visit(signing_key.sign(admin_claims(**{"iat": minute_ago, **changes})))
        assert answer.status_code == 302
        assert not seen

    @pytest.mark.parametrize(("method", "refresh"), [("get", "2"), ("post", None)])
    def test_does_not_go_round_in_circles_with_a_new_token_that_it_refuses(
        self, signing_key, admin_claims, method, refresh
    ):
        other = dataclasses.replace(signing_key, kid="not-known-here-yet")
        answer, seen = visit(other.sign(admin_claims()), method=method)
        assert answer.status_code == 503
        assert (answer["Retry-After"], answer.get("Refresh")) == ("1", refresh)
        assert not seen

    @pytest.mark.parametrize("token", ["x", "a.b.c", "é" * 50, "x" * 5000])
    def test_takes_no_malformed_token(self, signing_key, token):
        answer, seen = visit(token)
        assert answer.status_code == 302
        assert not seen

    def test_asks_the_deny_list_each_time(self, signing_key, admin_claims, monkeypatch):
        user_id = uuid7()
        token = signing_key.sign(admin_claims(user_id=user_id, iat=int(time.time()) - 60))
        assert visit(token)[0].status_code == 200
        monkeypatch.setattr(deny_list, "_not_before", {user_id: time.time() + 1})
        assert visit(token)[0].status_code == 302

    def test_is_503_while_no_key_is_known(self):
        answer, seen = visit("a.b.c")
        assert answer.status_code == 503
        assert answer["Retry-After"] == "1"
        assert not seen

    def test_lets_anyone_see_an_exempt_view(self, signing_key):
        answer, (user,) = visit(view=signon.exempt(lambda request: HttpResponse()))
        assert answer.status_code == 200
        assert user.is_anonymous

    def test_leaves_other_paths_alone(self):
        request = RequestFactory().get("/api/v1/orders")
        request.COOKIES["souk_order_token"] = "x"
        answer: Any = signon.SignOnMiddleware(lambda request: HttpResponse())(request)
        assert answer.status_code == 200
        assert not hasattr(request, "user")
