"""The service's own commands."""

import io
import json
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from apps.auth_service import keys
from apps.auth_service.management.commands import check_users, create_admin, rotate_signing_key
from apps.auth_service.models import Counter, RefreshFamily, SigningKey, User
from apps.auth_service.services import accounts, families, sessions
from apps.auth_service.services import keys as rotating
from chassis.crypto import fernet
from chassis.models import AuditEntry, OutboxEvent
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
        entry = AuditEntry.objects.get()
        assert (entry.target_id, entry.actor_id) == (str(user.id), None)

    def test_changes_nothing_the_second_time(self, settings):
        settings.ADMIN_PASSWORD = PASSWORD
        run("create_admin", "--email", "root@shop.example")
        before = User.objects.values().get()
        settings.ADMIN_PASSWORD = "another password 2"
        assert "present" in run("create_admin", "--email", "ROOT@shop.example")
        assert User.objects.values().get() == before
        assert AuditEntry.objects.count() == 1

    def test_promotes_a_present_account_with_a_password_of_the_operators(
        self, settings, outbox_events
    ):
        """A stranger may have opened it, and knows its password."""
        settings.ADMIN_PASSWORD = "the operator's own 1"
        user = make_user(is_active=False, awaits_confirmation=True)
        session = families.begin(
            user, lifetime=timedelta(days=1), device="", ip=None, now=timezone.now()
        )
        said = run("create_admin", "--email", user.email)
        assert said == f"{user.email}: present, with the new password, admin\n"
        user.refresh_from_db()
        assert (user.role, user.may_log_in) == ("admin", True)
        assert user.check_password("the operator's own 1")
        session.refresh_from_db()
        assert session.revoked_at is not None
        audited = AuditEntry.objects.order_by("id").values_list("action", flat=True)
        assert list(audited) == ["user.role_changed", "user.activated", "user.password_set"]
        types = [event.type for event in outbox_events(user.id)]
        assert types == ["user.registered", "user.role_changed"]

    def test_ends_the_log_ins_of_who_is_promoted_with_the_same_password(self, settings):
        settings.ADMIN_PASSWORD = PASSWORD
        user = make_user(password=make_password(PASSWORD))
        session = families.begin(
            user, lifetime=timedelta(days=1), device="", ip=None, now=timezone.now()
        )
        run("create_admin", "--email", user.email)
        session.refresh_from_db()
        assert session.revoked_at is not None

    def test_promotes_none_without_a_password(self, settings, monkeypatch):
        settings.ADMIN_PASSWORD = None
        monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
        user = make_user()
        with pytest.raises(CommandError, match="SOUK_ADMIN_PASSWORD"):
            run("create_admin", "--email", user.email)
        user.refresh_from_db()
        assert user.role == "customer"

    def test_ends_well_when_another_was_quicker(self, settings, monkeypatch):
        settings.ADMIN_PASSWORD = PASSWORD
        user = make_user(email="root@shop.example")
        monkeypatch.setattr("apps.auth_service.selectors.find_user_by_email", lambda email: None)
        run("create_admin", "--email", "root@shop.example")
        user.refresh_from_db()
        assert user.role == "admin"

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
            ("root@shop.example", "long battery " * 20, "password: .*no more than 256"),
            ("no-address", PASSWORD, "valid email address"),
        ],
    )
    def test_says_what_will_not_do(self, settings, monkeypatch, email, password, message):
        settings.ADMIN_PASSWORD = password
        monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
        with pytest.raises(CommandError, match=message):
            run("create_admin", "--email", email)
        assert not User.objects.exists()

    @pytest.mark.parametrize("name", ["", "A" * 200, "Ada\tLovelace"])
    def test_says_that_a_name_will_not_do(self, settings, name):
        settings.ADMIN_PASSWORD = PASSWORD
        with pytest.raises(CommandError, match=r"^name: [^\n]+\.$"):
            run("create_admin", "--email", "root@shop.example", "--name", name)
        assert not User.objects.exists()


@pytest.mark.django_db
class TestEnsureSigningKey:
    def test_prints_the_same_key_each_time(self):
        first = run("ensure_signing_key")
        assert run("ensure_signing_key") == first
        assert SigningKey.objects.get().kid == first.strip()


@pytest.mark.django_db
class TestRotateSigningKey:
    def test_tells_when_the_new_key_signs(self):
        old = keys.ensure_signing_key()
        out = run("rotate_signing_key")
        new = SigningKey.objects.exclude(pk=old.pk).get()
        first, second = out.splitlines()
        assert first == f"{new.kid} signs from {new.activates_at:%Y-%m-%d %H:%M:%S} UTC on."
        old.refresh_from_db()
        assert second.endswith(f" until {old.retired_at:%Y-%m-%d %H:%M:%S} UTC.")

    def test_waits_as_long_as_told(self):
        run("rotate_signing_key", "--lead", "86400")
        coming = SigningKey.objects.latest("activates_at")
        lead = coming.activates_at - coming.created_at
        assert round(lead.total_seconds()) == 86_400

    def test_is_refused_while_one_is_under_way(self):
        run("rotate_signing_key")
        with pytest.raises(CommandError, match=r"^The key [^\n]+ signs from [^\n]+ after that\.$"):
            run("rotate_signing_key")

    @pytest.mark.parametrize("lead", ["1", "-5", "99999999999999"])
    def test_says_which_lead_will_do(self, lead):
        with pytest.raises(
            CommandError, match=rf"^A new key signs after [^\n]+, not after {lead}\.$"
        ):
            run("rotate_signing_key", "--lead", lead)

    def test_replaces_a_stolen_key_at_once(self):
        stolen = keys.ensure_signing_key()
        out = run("rotate_signing_key", "--emergency")
        (published,) = keys.own_keys()["keys"]
        assert published["kid"] != stolen.kid
        assert out.startswith(f"{published['kid']} signs now;")
        assert "Every service that reaches auth knows within 60 seconds, or within its own" in out

    def test_takes_no_lead_in_an_emergency(self):
        with pytest.raises(CommandError, match="not allowed with"):
            run("rotate_signing_key", "--emergency", "--lead", "200")
        assert not SigningKey.objects.exists()


def check(*options: str) -> tuple[int, str]:
    """Run check_users; return its exit code and what it printed."""
    out = io.StringIO()
    try:
        call_command("check_users", *options, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def found(*options: str) -> dict[str, dict[str, object]]:
    """Run check_users; return its findings by code."""
    code, out = check("--json", *options)
    report = json.loads(out)
    assert code == (1 if report["problems"] else 0)
    return {finding["code"]: finding for finding in report["findings"]}


@pytest.mark.django_db
class TestCheckUsers:
    @pytest.fixture
    def admin(self) -> User:
        return make_user(role="admin")

    @pytest.fixture(autouse=True)
    def key(self) -> SigningKey:
        return keys.ensure_signing_key()

    @pytest.fixture
    def deactivate(self, admin):
        def go(user: User) -> User:
            change = accounts.AccessChange(is_active=False)
            return accounts.change_access(user.id, change=change, by=admin.id)

        return go

    def test_finds_nothing_wrong_with_a_shop_in_order(self, admin, deactivate):
        make_user()
        deactivate(make_user())
        assert check() == (0, "The accounts and keys are as they should be.\n")
        assert json.loads(check("--json")[1]) == {"problems": 0, "findings": []}

    @pytest.mark.parametrize(
        "changes", [{"is_active": False}, {"role": "staff"}, {"awaits_confirmation": True}]
    )
    def test_finds_that_no_admin_is_left(self, admin, changes):
        User.objects.filter(pk=admin.pk).update(**changes)
        finding = found()["no-active-admin"]
        assert (finding["is_problem"], finding["count"]) == (True, 0)

    def test_finds_live_log_ins_of_inactive_accounts(self, admin):
        user = make_user()
        now = timezone.now()
        ends = {"live": {}, "ended": {"revoked_at": now}, "over": {"expires_at": now}}
        for changes in ends.values():
            fields = {"created_at": now - timedelta(days=1), "expires_at": now + timedelta(days=1)}
            RefreshFamily.objects.create(user=user, **{**fields, **changes})
        assert found() == {}
        User.objects.filter(pk=user.pk).update(is_active=False)
        finding = found()["inactive-log-ins"]
        assert (finding["is_problem"], finding["count"]) == (True, 1)
        assert finding["user_ids"] == [str(user.id)]

    def test_finds_a_deactivation_made_past_the_service(self, admin, deactivate):
        told, by_hand = make_user(), make_user()
        deactivate(told)
        User.objects.filter(pk=by_hand.pk).update(is_active=False)
        finding = found()["deactivation-untold"]
        assert (finding["is_problem"], finding["user_ids"]) == (True, [str(by_hand.id)])

    def test_finds_a_deactivation_whose_event_is_gone_too_early(self, admin, deactivate):
        user = deactivate(make_user())
        OutboxEvent.objects.filter(subject=str(user.id)).delete()
        assert set(found()) == {"deactivation-untold"}
        User.objects.update(created_at=F("created_at") - timedelta(days=400))
        assert set(found()) == {"deactivation-untold"}
        AuditEntry.objects.update(at=F("at") - timedelta(days=31))
        assert found() == {}

    @pytest.fixture(autouse=True)
    def _no_cipher_kept(self):
        yield
        fernet.cache_clear()

    def test_finds_that_no_key_signs(self, admin):
        now = timezone.now()
        SigningKey.objects.update(
            activates_at=now - timedelta(hours=1), retired_at=now - timedelta(minutes=1)
        )
        finding = found()["no-signing-key"]
        assert (finding["is_problem"], finding["count"]) == (True, 0)
        assert not SigningKey.objects.filter(retired_at=None).exists()

    def test_finds_keys_that_sign_and_cannot_be_decrypted(self, admin, key, settings):
        coming = rotating.rotate(by=None)
        settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        fernet.cache_clear()
        finding = found()["signing-key-unreadable"]
        assert (finding["is_problem"], finding["count"]) == (True, 2)
        assert f"{key.kid}, {coming.kid}. " in str(finding["detail"])
        rotating.replace(by=None)
        assert found() == {}

    def test_asks_for_no_key_that_only_verifies(self, admin, settings):
        settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        fernet.cache_clear()
        rotating.rotate(by=None)
        SigningKey.objects.update(activates_at=F("activates_at") - timedelta(minutes=10))
        assert found() == {}

    def test_notes_passwords_that_open_nothing_or_are_hashed_by_older_rules(self, admin):
        make_user(password=make_password(None))
        make_user(password="")
        make_user(password="plain")
        older = admin.password.replace("m=19456", "m=4096")
        assert older != admin.password
        make_user(password=older)
        findings = found()
        assert {code: finding["count"] for code, finding in findings.items()} == {
            "password-unusable": 3,
            "password-outdated": 1,
        }
        assert not any(finding["is_problem"] for finding in findings.values())

    def test_notes_who_waits_for_a_confirmation_too_long(self, admin):
        now = timezone.now()
        make_user(awaits_confirmation=True, created_at=now - timedelta(days=6))
        assert found() == {}
        old = make_user(awaits_confirmation=True, created_at=now - timedelta(days=8))
        code, out = check()
        assert code == 0
        assert out.splitlines() == [
            "note unconfirmed: Accounts that wait for their confirmation for over 7 days: 1.",
            f"  {old.id}",
        ]
        assert found("--unconfirmed-days", "9") == {}

    def test_names_some_accounts_and_counts_the_rest(self, admin):
        for _ in range(22):
            make_user(is_active=False)
        code, out = check()
        assert code == 1
        assert out.splitlines()[0].startswith("problem deactivation-untold: ")
        assert len(out.splitlines()) == 22
        assert out.splitlines()[-1] == "  and 2 more"

    def test_changes_nothing(self, admin, django_assert_max_num_queries):
        make_user(is_active=False)
        before = list(User.objects.order_by("id").values())
        with django_assert_max_num_queries(10):
            check()
        assert list(User.objects.order_by("id").values()) == before

    @pytest.mark.parametrize("days", ["-1", "36501"])
    def test_says_which_days_will_do(self, days):
        with pytest.raises(CommandError, match=r"^--unconfirmed-days must be [^\n]+\.$"):
            check("--unconfirmed-days", days)


@pytest.mark.django_db
class TestPrune:
    def test_deletes_what_is_over(self):
        now = timezone.now()
        user = make_user()
        for days in (0, 31):
            ended = now - timedelta(days=days)
            RefreshFamily.objects.create(
                user=user, created_at=ended - timedelta(days=1), expires_at=ended
            )
        Counter.objects.create(key="old", count=3, last_at=now - timedelta(days=2))
        Counter.objects.create(key="new", count=3, last_at=now)
        keys.ensure_signing_key()
        rotating.rotate(by=None)
        SigningKey.objects.exclude(retired_at=None).update(
            activates_at=now - timedelta(days=9), retired_at=now - timedelta(days=2)
        )
        assert run("prune").splitlines() == [
            "counters: 1 deleted",
            "deny_entries: 0 deleted",
            "inbox: 0 deleted",
            "log_ins: 1 deleted",
            "outbox: 0 deleted",
            "signing_keys: 1 deleted",
        ]
        assert Counter.objects.get().key == "new"
        assert RefreshFamily.objects.count() == SigningKey.objects.count() == 1


class TestHelp:
    @pytest.mark.parametrize("command", [check_users, create_admin, rotate_signing_key])
    def test_shows_examples(self, command):
        name = command.__name__.rpartition(".")[2]
        shown = command.Command().create_parser("manage.py auth", name).format_help()
        assert f"\nExamples:\n  manage.py auth {name}" in shown
