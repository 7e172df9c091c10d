"""The admin of the auth service: what is seen, and what is done through services."""

import secrets
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.auth_service import keys
from apps.auth_service.admin import site
from apps.auth_service.errors import NotAdmin
from apps.auth_service.models import (
    Counter,
    RefreshFamily,
    RefreshToken,
    Role,
    ServiceClient,
    SigningKey,
    User,
)
from apps.auth_service.services import passwords, sessions
from chassis.admin.display import user_link
from chassis.ids import uuid7
from chassis.models import AuditEntry, DenyEntry, OutboxEvent
from tests.auth_service.factories import PASSWORD, make_user
from tests.staff import change_url, foreign_urls, lists, messages_of, token_of

HOME = "/admin/auth/"
USERS, SESSIONS, KEYS = (
    f"{HOME}accounts/{name}/" for name in ("user", "refreshfamily", "signingkey")
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(staff_browser):
    return staff_browser("admin", make_user(role=Role.ADMIN, name="Ada").id)


@pytest.fixture
def staff(staff_browser):
    return staff_browser("staff", make_user(role=Role.STAFF).id)


def log_in(user, device="Firefox"):
    now = timezone.now()
    later = now + timedelta(days=1)
    family = RefreshFamily.objects.create(
        user=user, created_at=now, expires_at=later, device=device, ip="192.0.2.7"
    )
    RefreshToken.objects.create(
        token_hash=secrets.token_hex(32), family=family, issued_at=now, expires_at=later
    )
    return family


def fill():
    """Have something on every page, secrets too."""
    user = make_user(name="Noor <b>", email="noor@shop.example")
    make_user(is_active=False)
    make_user(awaits_confirmation=True)
    family = log_in(user, device="Mozilla/5.0 (X11; Linux x86_64) " * 5)
    log_in(user)
    sessions.end_session(family.id, user_id=None, by=user.id)
    key = keys.ensure_signing_key()
    now = timezone.now()
    ServiceClient.objects.create(client_id="order", last_token_at=now, last_secret="01234567")
    Counter.objects.create(key="address:192.0.2.7", count=7, last_at=now)
    DenyEntry.objects.create(user_id=user.id, not_before=now)
    return user, key


def card_of(staff, title):
    """Return a card of the overview."""
    cards = staff.get(HOME).context["dashboard"].cards
    (card,) = (card for card in cards if card.title == title)
    return card


def all_pages():
    yield HOME
    for model, url in lists(site):
        yield url
        if model is not ServiceClient:
            for row in model.objects.all()[:3]:
                yield change_url(row)
                yield change_url(row).replace("/change/", "/history/")


class TestPages:
    def test_open_without_rows(self, admin):
        User.objects.all().delete()
        for _, url in [(None, HOME), *lists(site)]:
            assert admin.get(url).status_code == 200, url

    @pytest.mark.parametrize("role", ["staff", "admin"])
    def test_open_and_show_no_secret(self, staff_browser, role):
        browser = staff_browser(role)
        user, key = fill()
        hidden = [
            user.password,
            bytes(key.encrypted_private_pem).decode(),
            *RefreshFamily.objects.values_list("tokens__token_hash", flat=True),
            "01234567",
        ]
        pages = [path for path in all_pages() if "deadletter" not in path]
        for path in pages:
            page = browser.get(path)
            content = page.content.decode()
            assert page.status_code == 200, path
            assert foreign_urls(content) == [], path
            assert "Noor <b>" not in content
            assert not [one for one in hidden if one in content], path

    def test_of_users_are_where_other_services_lead_to(self):
        user = make_user()
        assert f'href="{change_url(user)}"' in user_link(user.pk)

    def test_cost_the_same_number_of_queries_however_many_rows_they_show(self, staff):
        fill()
        few = {url: self.queries(staff, url) for _, url in [(None, HOME), *lists(site)]}
        for _ in range(4):
            log_in(make_user())
        assert {url: self.queries(staff, url) for url in few} == few
        assert max(few.values()) <= 16

    def queries(self, browser, url):
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(url).status_code == 200
        return len(queries)

    @pytest.mark.parametrize(
        ("path", "shown"),
        [
            ("user/", 4),
            ("user/?q=noor", 1),
            ("user/?q=nobody", 0),
            ("user/?role__exact=staff", 1),
            ("user/?state=inactive", 1),
            ("user/?state=unconfirmed", 1),
            ("user/?state=active", 2),
            ("user/?created_at_to=2020-01-01", 0),
            ("refreshfamily/", 2),
            ("refreshfamily/?state=live", 1),
            ("refreshfamily/?state=ended", 1),
            ("refreshfamily/?q=noor", 2),
            ("signingkey/", 1),
        ],
    )
    def test_can_be_narrowed(self, staff, path, shown):
        fill()
        page = staff.get(f"{HOME}accounts/{path}")
        assert len(page.context["cl"].result_list) == shown

    @pytest.mark.parametrize(
        "path",
        [
            "user/?password__startswith=argon2",
            "signingkey/?encrypted_private_pem__gt=a",
            "refreshfamily/?tokens__token_hash__startswith=0",
            "refreshfamily/?user__password__startswith=argon2",
            "user/?role__regex=(a",
            "user/?created_at__iregex=[",
            "user/?created_at__year=99999999999",
        ],
    )
    def test_cannot_be_asked_how_a_secret_begins(self, admin, path, caplog):
        fill()
        answer = admin.get(f"{HOME}accounts/{path}")
        assert answer.status_code == 400
        assert "The request cannot be read" in answer.content.decode()
        assert not [one for one in caplog.records if one.exc_info or one.levelname == "ERROR"]

    def test_find_a_user_and_their_sessions_by_id(self, staff):
        user, _ = fill()
        for path, shown in ((USERS, 1), (SESSIONS, 2)):
            page = staff.get(path, {"q": str(user.id)})
            assert len(page.context["cl"].result_list) == shown

    def test_of_a_user_shows_sessions_and_what_staff_did(self, admin):
        user, _ = fill()
        admin.press(f"{USERS}{user.id}/deactivate/")
        admin.press(f"{USERS}{user.id}/activate/")
        log_in(user, device="A phone")
        content = admin.get(f"{USERS}{user.id}/change/").content.decode()
        assert "A phone" in content
        assert "user.deactivated" in content
        assert User.objects.get(pk=admin.user_id).email in content

    @pytest.mark.parametrize("path", ["nonsense", "00000000-0000-7000-8000-000000000000"])
    def test_of_nobody_lead_back(self, admin, path):
        assert admin.get(f"{USERS}{path}/change/").status_code == 302
        assert admin.get(f"{USERS}{path}/deactivate/").status_code == 404

    def test_name_whoever_acted_and_on_whom_and_lead_there(self, admin):
        user = make_user()
        admin.press(f"{USERS}{user.id}/change-role/", choice="staff")
        content = admin.get(f"{HOME}chassis/auditentry/").content.decode()
        for user_id in (admin.user_id, user.id):
            email = User.objects.get(pk=user_id).email
            assert f'<a href="{USERS}{user_id}/change/">{email}</a>' in content
        assert "customer → staff" in content

    def test_name_a_target_that_is_no_user_by_its_id(self, admin):
        keys.ensure_signing_key()
        admin.press(f"{KEYS}rotate/")
        content = admin.get(f"{HOME}chassis/auditentry/").content.decode()
        assert "signing_key <code" in content

    def test_say_that_times_are_utc(self, staff):
        user, key = fill()
        family = RefreshFamily.objects.all()[0]
        pages = ((family, family.created_at), (user, user.created_at), (key, key.activates_at))
        for row, at in pages:
            assert f"{at:%Y-%m-%d %H:%M:%S} UTC" in staff.get(change_url(row)).content.decode()

    def test_of_clients_tell_which_secret_was_used(self, staff):
        fill()
        page = staff.get(f"{HOME}accounts/serviceclient/").content.decode()
        assert "one no longer accepted" in page
        assert "stock:reserve" in page
        assert "never" in page
        assert staff.get(f"{HOME}accounts/serviceclient/order/change/").status_code == 404

    def test_call_a_session_live_only_while_it_gives_tokens(self, staff):
        began = timezone.now() - timedelta(days=15)  # and not used for 14 days
        sessions.log_in(email=make_user().email, password=PASSWORD, now=began)
        for state, shown in (("live", 0), ("ended", 1)):
            page = staff.get(SESSIONS, {"state": state})
            assert len(page.context["cl"].result_list) == shown
        (family,) = RefreshFamily.objects.all()
        content = staff.get(change_url(family)).content.decode()
        assert "expired" in content.lower()
        assert card_of(staff, "Live sessions").value == "0"

    def test_overview_counts_no_mails_as_failed_log_ins(self, staff):
        now = timezone.now()
        Counter.objects.create(
            key=f"mail:{uuid7()}", count=5, last_at=now, blocked_until=now + timedelta(hours=1)
        )
        card = card_of(staff, "Failed log-ins")
        assert (card.value, card.hint) == ("0", "in the last hour")

    def test_overview_shows_what_there_is(self, staff):
        fill()
        cards = {card.title: card for card in staff.get(HOME).context["dashboard"].cards}
        assert {title: card.value for title, card in cards.items()} == {
            "Customers": "3",
            "Staff and admins": "1 + 0",
            "Live sessions": "1",
            "Failed log-ins": "7",
            "Age of the signing key": "0 s",
            "Dead letters": "0",
            "Unpublished events": "0",
            "Messages in the queues": "0",
            "Repair": "0",
            "Failing events": "0",
            "Event to effect": "none",
        }
        registrations, log_ins = staff.get(HOME).context["dashboard"].charts
        assert next(iter(registrations.series.values()))[-1] == 4
        assert next(iter(log_ins.series.values()))[-1] == 2

    def test_overview_leads_to_staff_and_admins_both(self, admin, staff):
        fill()
        page = staff.get(card_of(staff, "Staff and admins").link)
        found = {row.id for row in page.context["cl"].result_list}
        assert found == {admin.user_id, staff.user_id}


ADMINS_ONLY = ["change-role", "deactivate", "activate"]


class TestUserActions:
    @pytest.mark.parametrize("action", ADMINS_ONLY)
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_that_are_an_admins_are_closed_to_staff(self, staff, action, method):
        user = make_user(is_active=action != "activate")
        page = staff.get(f"{USERS}{user.id}/change/").content.decode()
        assert f"/{action}/" not in page
        token = token_of(staff.get(f"{USERS}{user.id}/end-sessions/"))
        answer = getattr(staff, method)(
            f"{USERS}{user.id}/{action}/", {"csrfmiddlewaretoken": token, "choice": "admin"}
        )
        assert answer.status_code == 403
        assert "Your role may not do this" in answer.content.decode()
        before = User.objects.get(pk=user.id)
        assert (before.role, before.is_active) == (user.role, user.is_active)
        assert not AuditEntry.objects.exists()

    @pytest.mark.parametrize("action", [*ADMINS_ONLY, "send-reset", "end-sessions"])
    def test_ask_first_and_want_a_token(self, admin, action):
        user = make_user()
        log_in(user)
        url = f"{USERS}{user.id}/{action}/"
        assert admin.get(url).status_code == 200
        refused = admin.post(url, {"choice": "admin"})
        assert refused.status_code == 403
        assert "This form has ended" in refused.content.decode()
        assert not AuditEntry.objects.exists()
        assert not RefreshFamily.objects.exclude(revoked_at=None).exists()

    def test_change_a_role(self, admin):
        user = make_user()
        answer = admin.press(f"{USERS}{user.id}/change-role/", choice="staff")
        assert answer["Location"] == f"{USERS}{user.id}/change/"
        assert messages_of(answer) == [f"{user.name} is now staff."]
        assert User.objects.get(pk=user.id).role == Role.STAFF
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id) == ("user.role_changed", admin.user_id)
        assert OutboxEvent.objects.filter(type="user.role_changed").count() == 1

    @pytest.mark.parametrize("choice", ["", "customer", "emperor"])
    def test_change_no_role_to_what_is_no_choice(self, admin, choice):
        user = make_user()
        answer = admin.press(f"{USERS}{user.id}/change-role/", choice=choice)
        assert answer.status_code == 200
        assert User.objects.get(pk=user.id).role == Role.CUSTOMER

    def test_deactivate_and_activate(self, admin):
        user = make_user()
        log_in(user)
        admin.press(f"{USERS}{user.id}/deactivate/")
        assert not User.objects.get(pk=user.id).is_active
        assert not RefreshFamily.objects.filter(revoked_at=None).exists()
        admin.press(f"{USERS}{user.id}/activate/")
        assert User.objects.get(pk=user.id).is_active
        actions = AuditEntry.objects.order_by("id").values_list("action", "actor_id")
        assert list(actions) == [
            ("user.deactivated", admin.user_id),
            ("user.activated", admin.user_id),
        ]

    def test_tell_an_admin_that_their_own_account_is_another_admins_to_change(self, admin):
        answer = admin.press(f"{USERS}{admin.user_id}/deactivate/")
        assert answer.status_code == 302
        assert messages_of(answer) == ["Another admin must change your role or deactivate you"]
        assert User.objects.get(pk=admin.user_id).is_active

    def test_ask_the_database_whether_an_admin_still_is_one(self, admin):
        user = make_user()
        User.objects.filter(pk=admin.user_id).update(role=Role.STAFF)
        answer = admin.press(f"{USERS}{user.id}/deactivate/")
        assert messages_of(answer) == ["Your role may not do this"]
        assert User.objects.get(pk=user.id).is_active

    def test_send_a_reset(self, staff):
        user = make_user()
        answer = staff.press(f"{USERS}{user.id}/send-reset/")
        assert messages_of(answer) == [f"A link is on its way to {user.email}."]
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id) == ("user.reset_sent", staff.user_id)

    def test_end_all_sessions(self, staff):
        user = make_user()
        log_in(user), log_in(user)
        answer = staff.press(f"{USERS}{user.id}/end-sessions/")
        assert messages_of(answer) == ["2 sessions ended."]
        assert not RefreshFamily.objects.filter(revoked_at=None).exists()
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id, entry.details) == (
            "user.sessions_ended",
            staff.user_id,
            {"sessions": 2},
        )


class TestColleagues:
    """One of staff could keep every admin out, if these were theirs to do."""

    @pytest.mark.parametrize("role", [Role.STAFF, Role.ADMIN])
    @pytest.mark.parametrize("action", ["send-reset", "end-sessions"])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_are_an_admins_to_act_on(self, staff, role, action, method):
        colleague = make_user(role=role)
        log_in(colleague)
        assert f"/{action}/" not in staff.get(f"{USERS}{colleague.id}/change/").content.decode()
        form = {"csrfmiddlewaretoken": token_of(staff.get(SESSIONS))}
        answer = getattr(staff, method)(f"{USERS}{colleague.id}/{action}/", form)
        assert answer.status_code == 403
        assert "Your role may not do this" in answer.content.decode()
        self.nothing_was_done()

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_keep_their_sessions(self, staff, method):
        family = log_in(make_user(role=Role.ADMIN))
        assert "/end/" not in staff.get(f"{SESSIONS}{family.id}/change/").content.decode()
        form = {"csrfmiddlewaretoken": token_of(staff.get(SESSIONS))}
        answer = getattr(staff, method)(f"{SESSIONS}{family.id}/end/", form)
        assert answer.status_code == 403
        assert "Your role may not do this" in answer.content.decode()
        self.nothing_was_done()

    def test_keep_their_sessions_among_others_too(self, staff):
        families = [log_in(make_user(role=role)) for role in (Role.ADMIN, Role.CUSTOMER)]
        answer = end_selected(staff, families, confirmed="yes")
        ended, refused = messages_of(answer)
        assert ended == "1 session ended."
        assert refused.startswith(f"1 session could not be ended ({families[0].user.email}, ")
        assert refused.endswith("): Your role may not do this")
        assert list(RefreshFamily.objects.filter(revoked_at=None)) == families[:1]

    @pytest.mark.parametrize("action", ["send-reset", "end-sessions"])
    def test_may_be_acted_on_by_admins_and_by_themselves(self, admin, staff, action):
        for browser, user_id in ((admin, staff.user_id), (staff, staff.user_id)):
            browser.press(f"{USERS}{user_id}/{action}/")
        assert AuditEntry.objects.filter(target_id=str(staff.user_id)).count() == 2

    def test_ask_the_database_whether_an_admin_still_is_one(self, admin):
        colleague = make_user(role=Role.STAFF)
        User.objects.filter(pk=admin.user_id).update(role=Role.STAFF)
        for do in (
            lambda: sessions.revoke_all(colleague.id, by=admin.user_id),
            lambda: sessions.end_session(log_in(colleague).id, user_id=None, by=admin.user_id),
            lambda: passwords.send_reset(colleague.id, by=admin.user_id),
        ):
            with pytest.raises(NotAdmin):
                do()
        self.nothing_was_done()

    def nothing_was_done(self):
        assert not RefreshFamily.objects.exclude(revoked_at=None).exists()
        assert not AuditEntry.objects.exists()
        assert not OutboxEvent.objects.exists()


def end_selected(browser, families, **data):
    form = {
        "csrfmiddlewaretoken": token_of(browser.get(SESSIONS)),
        "action": "end_selected",
        "_selected_action": [str(family.id) for family in families],
    }
    return browser.post(SESSIONS, {**form, **data})


class TestSessionActions:
    def test_end_one(self, staff):
        family = log_in(make_user())
        answer = staff.press(f"{SESSIONS}{family.id}/end/")
        assert messages_of(answer) == ["The session is ended."]
        assert RefreshFamily.objects.get().revoked_at is not None
        assert AuditEntry.objects.get().actor_id == staff.user_id

    def test_end_none_that_has_ended(self, staff):
        family = log_in(make_user())
        page = f"{SESSIONS}{family.id}/change/"
        assert "/end/" in staff.get(page).content.decode()
        staff.press(f"{SESSIONS}{family.id}/end/")
        assert "/end/" not in staff.get(page).content.decode()
        again = staff.get(f"{SESSIONS}{family.id}/end/")
        assert (again.status_code, again["Location"]) == (302, page)
        assert messages_of(again)[-1] == "It has ended already."
        selected = end_selected(staff, [family])
        assert messages_of(selected)[-1] == "There is nothing left to do."
        assert AuditEntry.objects.count() == 1

    def test_end_the_selected_ones(self, staff):
        families = [log_in(make_user()) for _ in range(3)]
        asked = end_selected(staff, families[:2]).content.decode()
        assert "End 2 sessions" in asked
        assert all(family.user.email in asked for family in families[:2])
        assert families[2].user.email not in asked
        assert not RefreshFamily.objects.exclude(revoked_at=None).exists()
        answer = end_selected(staff, families[:2], confirmed="yes")
        assert messages_of(answer) == ["2 sessions ended."]
        assert list(RefreshFamily.objects.filter(revoked_at=None)) == [families[2]]


class TestKeyActions:
    def test_rotate(self, admin):
        old = keys.ensure_signing_key()
        answer = admin.press(f"{KEYS}rotate/")
        assert answer["Location"] == KEYS
        assert SigningKey.objects.count() == 2
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id) == ("signing_key.rotated", admin.user_id)
        content = admin.get(KEYS).content.decode()
        assert "signs" in content
        assert "waits" in content
        assert old.kid in content
        again = admin.press(f"{KEYS}rotate/")
        assert "rotate again after that" in messages_of(again)[-1]
        assert SigningKey.objects.count() == 2

    def test_are_closed_to_staff(self, staff):
        keys.ensure_signing_key()
        assert "/rotate/" not in staff.get(KEYS).content.decode()
        token = token_of(staff.get(SESSIONS))
        for answer in (
            staff.get(f"{KEYS}rotate/"),
            staff.post(f"{KEYS}rotate/", {"csrfmiddlewaretoken": token}),
        ):
            assert answer.status_code == 403
        assert SigningKey.objects.count() == 1

    def test_states_of_keys(self, staff):
        now = timezone.now()
        first = keys.ensure_signing_key()
        for kid, active, retired in (
            ("gone", -20, -10),
            ("old", -10, 10),
            ("new", 10, None),
        ):
            SigningKey.objects.create(
                kid=kid,
                public_jwk=first.public_jwk,
                encrypted_private_pem=b"",
                created_at=now,
                activates_at=now + timedelta(minutes=active),
                retired_at=None if retired is None else now + timedelta(minutes=retired),
            )
        rows = staff.get(KEYS).context["cl"].result_list
        model_admin: Any = site._registry[SigningKey]
        assert {row.kid: model_admin.state(row) for row in rows} == {
            "gone": "retired",
            "old": "verifies only",
            first.kid: "signs",
            "new": "waits",
        }
        told = {row.kid: model_admin.retirement(row).partition(" ")[0] for row in rows}
        assert told == {"gone": "retired", "old": "retires", first.kid: "", "new": ""}


class TestSite:
    def test_passes_djangos_checks(self):
        assert site.check(None) == []
