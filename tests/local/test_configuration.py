"""The variables that a service gets from whoever starts the platform."""

import stat

import pytest

from local.configuration import CHOSEN, write_service_variables
from local.home import ROOT, SERVICES, parse_variables
from local.plan import Plan

SECRET = "smtp+starttls://shop:a%20secret@mail.example:587"
GIVEN = {
    "CONFIRM_EMAIL_URL": "https://shop.example/confirm?t={token}",
    "MAIL_FROM": "Shop <shop@shop.example>",
    "MAIL_URL": SECRET,
    "PASSWORD_RESET_URL": "https://shop.example/reset/{token}",
    "VERIFY_EMAIL": "true",
}


class TestChosen:
    def test_are_named_in_the_readme(self) -> None:
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        assert [name for name in CHOSEN if f"`{name}`" not in readme] == []


class TestServiceVariables:
    @pytest.mark.parametrize("service", SERVICES)
    def test_hold_how_mail_is_sent(
        self, plan: Plan, service: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in GIVEN.items():
            monkeypatch.setenv(name, value)
        assert plan.variables(service).items() >= GIVEN.items()

    def test_hold_nothing_else_of_the_caller(
        self, plan: Plan, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = plan.variables("auth")
        for name in ("SECRET_KEY", "DEBUG", "DATABASE_URL", "PASSWORD"):
            monkeypatch.setenv(name, "of a shell")
        assert plan.variables("auth") == before

    def test_are_kept_for_their_owner_alone_and_not_printed(
        self, plan: Plan, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("MAIL_URL", SECRET)
        write_service_variables(plan.home, "auth", plan.variables("auth"))
        file = plan.home.environment / "auth.env"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert parse_variables(file.read_text(encoding="utf-8"))["MAIL_URL"] == SECRET
        assert capfd.readouterr() == ("", "")
        assert SECRET not in repr(plan)
