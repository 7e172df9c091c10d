"""seed_demo, create_admin and ensure_signing_key."""

import io

import pytest
from django.core.management import CommandError, call_command

from apps.auth_service.models import RefreshFamily, SigningKey, User
from apps.auth_service.services import sessions
from tests.auth_service.factories import make_user

PASSWORD = "a demo password 1"


def run(*command: str) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
class TestSeedDemo:
    def test_makes_a_user_of_each_role(self, settings, outbox_events):
        settings.DEMO_PASSWORD = PASSWORD
        out = run("seed_demo")
        assert out.count("made") == 3
        assert dict(User.objects.values_list("email", "role")) == {
            "customer@souk.example": "customer",
            "staff@souk.example": "staff",
            "admin@souk.example": "admin",
        }
        assert [event.type for event in outbox_events()] == ["user.registered"] * 3
        sessions.log_in(email="staff@souk.example", password=PASSWORD)
        assert PASSWORD not in out

    def test_changes_nothing_the_second_time(self, settings, outbox_events):
        settings.DEMO_PASSWORD = PASSWORD
        run("seed_demo")
        before = list(User.objects.order_by("id").values())
        sessions.log_in(email="staff@souk.example", password=PASSWORD)
        assert run("seed_demo").count("present") == 3
        assert list(User.objects.order_by("id").values()) == before
        assert len(outbox_events()) == 3
        assert RefreshFamily.objects.get().revoked_at is None

    def test_puts_right_what_is_different(self, settings):
        settings.DEMO_PASSWORD = PASSWORD
        make_user(email="Admin@souk.example", role="customer", is_active=False)
        run("seed_demo")
        admin = User.objects.get_by_natural_key("admin@souk.example")
        assert (admin.role, admin.is_active) == ("admin", True)
        assert admin.check_password(PASSWORD)

    @pytest.mark.parametrize("password", [None, ""])
    def test_says_what_is_missing(self, settings, password):
        settings.DEMO_PASSWORD = password
        with pytest.raises(CommandError, match=r"^Set DEMO_PASSWORD: [^\n]+\.$"):
            run("seed_demo")
        assert not User.objects.exists()


@pytest.mark.django_db
class TestCreateAdmin:
    def test_makes_one(self, settings, outbox_events):
        settings.ADMIN_PASSWORD = PASSWORD
        out = run("create_admin", "--email", "root@shop.example")
        user = User.objects.get()
        assert (user.email, user.role, user.name) == ("root@shop.example", "admin", "Admin")
        assert user.check_password(PASSWORD)
        assert PASSWORD not in out
        assert [event.type for event in outbox_events(user.id)] == ["user.registered"]

    def test_changes_nothing_the_second_time(self, settings):
        settings.ADMIN_PASSWORD = PASSWORD
        run("create_admin", "--email", "root@shop.example")
        before = User.objects.values().get()
        settings.ADMIN_PASSWORD = "another password 2"
        assert "present" in run("create_admin", "--email", "ROOT@shop.example")
        assert User.objects.values().get() == before

    def test_promotes_a_present_account(self, outbox_events):
        user = make_user(is_active=False)
        run("create_admin", "--email", user.email)
        user.refresh_from_db()
        assert (user.role, user.is_active) == ("admin", True)
        assert [event.type for event in outbox_events(user.id)] == ["user.role_changed"]

    def test_asks_in_a_terminal(self, settings, monkeypatch):
        settings.ADMIN_PASSWORD = None
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("getpass.getpass", lambda prompt: PASSWORD)
        run("create_admin", "--email", "root@shop.example")
        assert User.objects.get().check_password(PASSWORD)

    @pytest.mark.parametrize(
        ("email", "password", "message"),
        [
            ("root@shop.example", None, "SOUK_ADMIN_PASSWORD"),
            ("root@shop.example", "short", "too short"),
            ("no-address", PASSWORD, "valid email address"),
        ],
    )
    def test_says_what_will_not_do(self, settings, monkeypatch, email, password, message):
        settings.ADMIN_PASSWORD = password
        monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
        with pytest.raises(CommandError, match=message):
            run("create_admin", "--email", email)
        assert not User.objects.exists()


@pytest.mark.django_db
class TestEnsureSigningKey:
    def test_prints_the_same_key_each_time(self):
        first = run("ensure_signing_key")
        assert run("ensure_signing_key") == first
        assert SigningKey.objects.get().kid == first.strip()
