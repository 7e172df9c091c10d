"""The pages of the admin that every service has."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.order_service.admin import site
from chassis.admin.paging import BoundedPaginator
from chassis.models import AuditEntry, DeadLetter, InboxEvent, OutboxEvent
from tests.chassis.admin.rows import DEAD_LETTERS, HOME, NAME, add_dead, add_events
from tests.staff import change_url, foreign_urls, lists, token_of


def common_lists():
    """Yield the models that every service's admin shows, and the path of each list."""
    return [(model, url) for model, url in lists(site) if model._meta.app_label == "chassis"]


@pytest.mark.django_db
class TestPages:
    @pytest.mark.parametrize("number", [0, 1, 60])
    def test_open_with_rows_and_without(self, browser, number):
        add_events(number)
        for _, url in [(None, HOME), *common_lists()]:
            page = browser.get(url)
            assert page.status_code == 200, url
            assert foreign_urls(page.content.decode()) == [], url
            assert "<script>alert" not in page.content.decode()

    def test_of_one_row_open(self, browser):
        add_events()
        for model, url in common_lists():
            row = model.objects.all()[0]
            if model is DeadLetter:
                row = DeadLetter.objects.exclude(dead_at=None).get()
            for path in (change_url(row), change_url(row).replace("/change/", "/history/")):
                page = browser.get(path)
                assert page.status_code == 200, url
                assert foreign_urls(page.content.decode()) == [], path
                assert "<script>alert" not in page.content.decode()

    def test_cost_the_same_number_of_queries_however_many_rows_they_show(self, browser):
        add_events(1)
        few = {url: self.queries(browser, url) for _, url in [(None, HOME), *common_lists()]}
        add_events(20)
        assert {url: self.queries(browser, url) for url in few} == few
        few.pop(HOME)  # the service's own
        assert max(few.values()) <= 10

    def queries(self, browser, url):
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(url).status_code == 200
        return len(queries)

    @pytest.mark.parametrize(
        ("path", "shown"),
        [
            ("outboxevent/?published=no", 2),
            ("outboxevent/?published=yes", 0),
            (f"outboxevent/?type={NAME}", 2),
            ("outboxevent/?type=other", 0),
            ("outboxevent/?q=subject-1", 1),
            ("outboxevent/?q=subject", 0),
            ("inboxevent/?state=failing", 2),
            ("inboxevent/?state=handled", 2),
            ("inboxevent/?state=dead", 2),
            ("inboxevent/?state=nonsense", 6),
            ("inboxevent/?consumer=sample.check", 6),
            ("inboxevent/?consumer=other", 0),
            ("inboxevent/?q=subject-0", 3),
            ("deadletter/", 2),
            ("deadletter/?q=subject-0", 1),
            ("auditentry/?action_is=user.role_changed", 2),
            ("auditentry/?action_is=other", 0),
            ("auditentry/?actor=nobody", 0),
            ("auditentry/?q=1", 1),
            ("auditentry/?at_from=2020-01-01&at_to=2020-01-02", 0),
            ("auditentry/?at_from=2020-01-01", 2),
            ("denyentry/", 2),
        ],
    )
    def test_can_be_narrowed(self, browser, path, shown):
        add_events(2)
        page = browser.get(f"{HOME}chassis/{path}")
        assert page.status_code == 200
        assert len(page.context["cl"].result_list) == shown

    def test_find_an_event_by_its_id_and_an_entry_by_its_actor(self, browser):
        add_events(2)
        event, received = OutboxEvent.objects.all()[0], InboxEvent.objects.all()[0]
        actor = AuditEntry.objects.all()[0].actor_id
        for path in (
            f"outboxevent/?q={event.id}",
            f"inboxevent/?q={received.event_id}",
            f"auditentry/?actor={actor}",
        ):
            page = browser.get(f"{HOME}chassis/{path}")
            assert len(page.context["cl"].result_list) == 1

    @pytest.mark.parametrize(
        "path",
        [
            "outboxevent/?type=%00",
            "outboxevent/?q=%00",
            "auditentry/?actor=%00",
            "denyentry/%00/change/",
        ],
    )
    def test_refuse_what_no_text_of_the_database_can_hold(self, browser, path):
        answer = browser.get(f"{HOME}chassis/{path}")
        assert answer.status_code == 400
        assert "The request cannot be read" in answer.content.decode()

    def test_keep_the_order_that_an_index_has(self, browser):
        add_events(2)
        page = browser.get(f"{HOME}chassis/inboxevent/?o=6.1")
        assert set(page.context["cl"].queryset.query.order_by) == {"-pk"}

    def test_change_nothing_when_they_are_read(self, browser):
        add_events()
        dead = DeadLetter.objects.exclude(dead_at=None).get()
        before = list(InboxEvent.objects.order_by("id").values())
        for path in (change_url(dead), f"{DEAD_LETTERS}{dead.pk}/redrive/", DEAD_LETTERS):
            assert browser.get(path).status_code == 200
        assert list(InboxEvent.objects.order_by("id").values()) == before
        assert AuditEntry.objects.count() == 1

    @pytest.mark.parametrize("role", ["staff", "admin"])
    def test_let_nobody_add_change_or_delete(self, staff_browser, role):
        browser = staff_browser(role)
        add_events()
        before = {model: list(model.objects.order_by("pk").values()) for model, _ in common_lists()}
        csrf = browser.get(f"{DEAD_LETTERS}{InboxEvent.objects.latest('pk').pk}/redrive/")
        assert csrf.status_code == 200
        token = token_of(csrf)
        for model, url in common_lists():
            page = change_url(model.objects.latest("pk"))
            for path in (f"{url}add/", page, page.replace("/change/", "/delete/")):
                answer = browser.post(path, {"csrfmiddlewaretoken": token, "post": "yes"})
                assert answer.status_code == 403, path
                assert "Your role may not do this" in answer.content.decode()
        assert before == {
            model: list(model.objects.order_by("pk").values()) for model, _ in common_lists()
        }

    def test_delete_no_selection(self, browser):
        add_events()
        page = browser.get(DEAD_LETTERS)
        token = token_of(page)
        for model, url in common_lists():
            browser.post(
                url,
                {
                    "csrfmiddlewaretoken": token,
                    "action": "delete_selected",
                    "post": "yes",
                    "_selected_action": [str(row.pk) for row in model.objects.all()],
                },
            )
            assert model.objects.exists()

    def test_write_no_log_entry_and_need_no_account(self, browser):
        add_events()
        browser.press(f"{DEAD_LETTERS}{InboxEvent.objects.latest('pk').pk}/redrive/")
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize(
        "query",
        ["at__regex=(a", "at__year=99999999999", "at__date__year__gt=99999999", "at_from=x"],
    )
    def test_takes_no_lookup_but_a_filters_own(self, browser, query):
        answer = browser.get(f"{HOME}chassis/auditentry/?{query}")
        assert answer.status_code == (200 if query.startswith("at_from") else 400)


class TestSite:
    def test_passes_djangos_checks(self):
        assert site.check(None) == []

    @pytest.mark.parametrize("name", ["login", "password_change", "jsi18n", "logout"])
    def test_has_no_pages_of_passwords(self, browser, name):
        answer = browser.get(f"{HOME}{name.replace('_', '-')}/")
        assert answer.status_code == (200 if name == "jsi18n" else 404)

    def test_is_found_without_its_last_slash(self, browser):
        answer = browser.get("/admin/orders")
        assert (answer.status_code, answer["Location"]) == (302, HOME)

    def test_sends_whoever_is_not_signed_on_away(self, client, signing_key):
        for _, url in [(None, HOME), *common_lists()]:
            assert client.get(url)["Location"].startswith("/admin/auth/sign-on?next=")

    def test_is_closed_to_customers(self, staff_browser):
        answer = staff_browser("customer").get(HOME)
        assert answer.status_code == 302

    def test_reads_nothing_of_a_form_of_who_is_not_signed_on(
        self, browser, signing_key, monkeypatch
    ):
        read = []

        def refuse(request: HttpRequest, *_: object) -> None:
            read.append(request)
            raise MultiPartParserError

        monkeypatch.setattr(HttpRequest, "parse_file_upload", refuse)
        for visitor, expected in ((Client(enforce_csrf_checks=True), 0), (browser, 1)):
            # With a token of forms, for which its other half would be looked for in the body.
            visitor.cookies[settings.CSRF_COOKIE_NAME] = "x" * 32
            visitor.post(DEAD_LETTERS, {"file": SimpleUploadedFile("a.csv", b"sku")})
            assert len(read) == expected

    @pytest.mark.django_db
    def test_calls_a_page_the_same_over_it_and_in_the_side_bar(self, browser):
        for model, url in common_lists():
            words = model._meta.verbose_name_plural
            page = browser.get(url)
            lines = [
                line for section in page.context["sidebar_navigation"] for line in section["items"]
            ]
            assert words.lower() in [line["title"].lower() for line in lines if line["active"]], url

    @pytest.mark.django_db
    def test_leads_to_the_other_admins_and_out(self, browser):
        page = browser.get(HOME).content.decode()
        for path in ("/admin/auth/", "/admin/catalog/", "/admin/orders/"):
            assert f'href="{path}"' in page
        assert 'action="/admin/auth/log-out"' in page

    @pytest.mark.django_db
    def test_keeps_its_cookies_to_its_own_path(self, browser):
        add_dead()
        browser.press(f"{DEAD_LETTERS}{InboxEvent.objects.get().pk}/redrive/")
        for name in ("souk_order_csrf", "souk_order_session"):
            cookie = browser.cookies[name]
            assert (cookie["path"], cookie["samesite"], cookie["httponly"], cookie["secure"]) == (
                HOME,
                "Lax",
                True,
                True,
            )

    def test_does_not_touch_other_paths(self, api):
        answer = api.get("/health/live")
        assert not answer.cookies
        assert not hasattr(answer.wsgi_request, "session")


class TestProcesses:
    def test_without_pages_do_not_load_them(self):
        script = "import django, sys; django.setup(); import chassis.queue; sys.exit('unfold.sites' in sys.modules)"
        command = [sys.executable, "-m", "tests.environment", "order", "python", "-c", script]
        assert subprocess.run(command, check=False).returncode == 0


class TestErrorPage:
    def test_is_a_page_for_people(self, browser):
        answer = browser.get(f"{HOME}nothing/")
        assert answer.status_code == 404
        assert answer["Content-Type"].startswith("text/html")
        assert "Not found" in answer.content.decode()
        assert answer["X-Request-ID"] in answer.content.decode()

    def test_tells_of_a_form_that_is_not_ours(self, browser):
        answer = browser.post(f"{DEAD_LETTERS}1/redrive/")
        assert answer.status_code == 403
        assert "This form has ended or is of another site" in answer.content.decode()

    @pytest.mark.django_db
    def test_tells_of_a_failure_without_a_word_about_it(self, browser, monkeypatch):
        def fail():
            raise RuntimeError("a secret: hunter2")

        monkeypatch.setattr(site, "_dashboard", fail)
        browser.raise_request_exception = False
        answer = browser.get(HOME)
        assert answer.status_code == 500
        assert "Something failed on our side" in answer.content.decode()
        assert "hunter2" not in answer.content.decode()

    def test_is_a_problem_elsewhere(self, api, client):
        answer = api.get("/nothing")
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.django_db
class TestBoundedPaginator:
    def test_counts_no_further_than_it_lists(self, monkeypatch):
        monkeypatch.setattr("chassis.admin.paging.MOST_ROWS", 3)
        add_events(5)
        with CaptureQueriesContext(connection) as queries:
            paginator = BoundedPaginator(OutboxEvent.objects.order_by("-id"), 2)
            assert (paginator.count, paginator.num_pages, paginator.is_cut) == (3, 2, True)
        assert "LIMIT 3" in queries[0]["sql"]
        assert "ORDER BY" not in queries[0]["sql"]


class TestStaticFiles:
    def test_are_served_from_this_host(self, client):
        for name in ("unfold/css/styles.css", "souk/admin.css", "souk/icon.svg"):
            answer = client.get(f"/static/order/{name}")
            assert answer.status_code == 200, name
            assert foreign_urls(b"".join(answer).decode()) == []
            assert answer["Cache-Control"] == "max-age=300, public"

    def test_load_nothing_from_elsewhere(self):
        for name in ("unfold/fonts/inter/styles.css", "unfold/fonts/material-symbols/styles.css"):
            sheet = finders.find(name)
            assert sheet is not None
            assert foreign_urls(Path(sheet).read_text()) == []

    def test_can_be_collected(self, tmp_path, settings):
        settings.STATIC_ROOT = tmp_path
        call_command("collectstatic", interactive=False, verbosity=0)
        assert (tmp_path / "souk/admin.css").exists()
