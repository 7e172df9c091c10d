"""What is written into logs, and what is not."""

import logging

import pytest

from tests.auth_service.factories import make_user

ANN = {"email": "ann@shop.example", "password": "correct horse battery", "name": "Ann Alder"}


def text_of(records: list[logging.LogRecord]) -> str:
    return "\n".join(f"{r.name} {r.msg} {r.args} {r.exc_info} {r.exc_text}" for r in records)


@pytest.mark.django_db
class TestLogs:
    def test_hold_no_address_password_or_token(self, api, client_as, caplog, work, mailoutbox):
        caplog.set_level(logging.DEBUG)
        credentials = {"email": ANN["email"], "password": ANN["password"]}
        user_id = api.post("/api/v1/auth/register", ANN).json()["id"]
        api.post("/api/v1/auth/register", ANN)
        api.post("/api/v1/auth/token", {**credentials, "password": "wrong horse battery"})
        first = api.post("/api/v1/auth/token", credentials).json()
        second = api.post("/api/v1/auth/token/refresh", {"refresh": first["refresh"]}).json()
        api.post("/api/v1/auth/token/refresh", {"refresh": first["refresh"]})
        admin = make_user(role="admin")
        url = f"/api/v1/auth/users/{user_id}"
        client_as("admin", admin.id).patch(url, {"role": "staff", "is_active": False})
        client_as("admin", admin.id).patch(url, {"is_active": True})
        api.post("/api/v1/auth/password/reset", {"email": ANN["email"]})
        work()
        token = mailoutbox[0].body.partition("?token=")[2].split()[0]
        reset = {"token": token, "new_password": "a new battery staple"}
        api.post("/api/v1/auth/password/reset/confirm", reset)
        change = {"current_password": reset["new_password"], "new_password": "yet another one"}
        client_as("staff", user_id).post("/api/v1/auth/password/change", change)
        api.post("/api/v1/auth/token/revoke", {"refresh": second["refresh"]})
        logged = text_of(caplog.records)
        changes = ("password_reset_requested", "password_reset", "password_changed")
        for expected in (
            "user_registered",
            "log_in_refused",
            "access_changed",
            "request",
            *changes,
        ):
            assert expected in logged
        assert user_id in logged
        secrets = [ANN["email"], ANN["password"], ANN["name"], "wrong horse", admin.email]
        secrets += [token, token.partition(".")[2], *change.values()]
        secrets += [grant[kind] for grant in (first, second) for kind in ("access", "refresh")]
        for secret in secrets:
            assert secret not in logged
