"""The pages of dead letters, and what their buttons do."""

import pytest
from django.utils import timezone

from chassis.events import dead_letters, inbox
from chassis.models import AuditEntry, InboxEvent
from tests.chassis.admin.rows import DEAD_LETTERS, NAME, add_dead, add_events
from tests.chassis.racing import race
from tests.conftest import envelope
from tests.staff import messages_of, token_of


class TestDiscard:
    def test_asks_why_and_gives_the_event_up(self, committing, notes, browser):
        dead = add_dead()
        path = f"{DEAD_LETTERS}{dead.pk}/discard/"
        asked = browser.get(path)
        assert "Discard dead letter" in asked.content.decode()
        form = {"csrfmiddlewaretoken": token_of(asked), "reason": ""}
        refused = browser.post(path, form)
        assert refused.status_code == 200
        assert "This field is required" in refused.content.decode()
        assert InboxEvent.objects.filter(dead_at=None).count() == 0
        answer = browser.post(path, {**form, "reason": "mailed by hand"})
        assert (answer.status_code, answer["Location"]) == (302, DEAD_LETTERS)
        assert messages_of(answer) == ["It is discarded."]
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id, entry.details["reason"]) == (
            "event.discarded",
            browser.user_id,
            "mailed by hand",
        )
        dead.refresh_from_db()
        assert (dead.dead_at, dead.effect) == (None, "discarded: mailed by hand")
        assert (inbox.retry_due(), notes()) == (0, [])

    def test_takes_a_selection_once_it_is_told_why(self, committing, browser):
        rows = [add_dead(), add_dead(), add_dead()]
        form = {
            "csrfmiddlewaretoken": token_of(browser.get(DEAD_LETTERS)),
            "action": "discard_selected",
            "_selected_action": [str(row.pk) for row in rows[:2]],
        }
        assert "Discard 2 dead letters" in browser.post(DEAD_LETTERS, form).content.decode()
        browser.post(DEAD_LETTERS, {**form, "confirmed": "yes", "reason": " "})
        assert InboxEvent.objects.exclude(dead_at=None).count() == 3
        answer = browser.post(DEAD_LETTERS, {**form, "confirmed": "yes", "reason": "of no use"})
        assert messages_of(answer) == ["2 dead letters discarded."]
        assert list(InboxEvent.objects.exclude(dead_at=None)) == [rows[2]]
        assert set(AuditEntry.objects.values_list("action", flat=True)) == {"event.discarded"}

    def test_tells_what_a_refused_message_was_and_why_it_cannot_be_redriven(self, db, browser):
        dead_letters.refuse({"no": "event <b>"}, reason="nothing of ours", producer="catalog")
        dead = InboxEvent.objects.get()
        shown = browser.get(f"{DEAD_LETTERS}{dead.pk}/change/").content.decode()
        assert "from catalog" in shown
        assert "&quot;no&quot;: &quot;event &lt;b&gt;&quot;" in shown
        assert "nothing of ours" in shown
        answer = browser.press(f"{DEAD_LETTERS}{dead.pk}/redrive/")
        assert messages_of(answer)[0].startswith("The message is no event: ")
        assert answer["Location"] == f"{DEAD_LETTERS}{dead.pk}/change/"


class TestRedrive:
    def test_lets_an_event_be_handled_after_all(self, committing, notes, browser):
        dead = add_dead()
        answer = browser.press(f"{DEAD_LETTERS}{dead.pk}/redrive/")
        assert (answer.status_code, answer["Location"]) == (302, DEAD_LETTERS)
        assert messages_of(answer) == ["It is tried again within seconds."]
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.target_id, entry.actor_id, entry.details) == (
            "event.redriven",
            str(dead.event_id),
            browser.user_id,
            {"consumer": "sample.keep"},
        )
        assert entry.request_id
        assert inbox.retry_due() == 1
        assert notes() == ["late"]

    def test_takes_a_selection_once_it_is_confirmed(self, committing, browser):
        rows = [add_dead(), add_dead(), add_dead()]
        chosen = [str(row.pk) for row in rows[:2]]
        page = browser.get(DEAD_LETTERS)
        token = token_of(page)
        form = {
            "csrfmiddlewaretoken": token,
            "action": "redrive_selected",
            "_selected_action": chosen,
        }
        asked = browser.post(DEAD_LETTERS, form)
        assert "Redrive 2 dead letters" in asked.content.decode()
        assert asked.content.decode().count(f"{NAME} of subject, for sample.keep") == 2
        assert InboxEvent.objects.exclude(dead_at=None).count() == 3
        answer = browser.post(DEAD_LETTERS, {**form, "confirmed": "yes"})
        assert messages_of(answer) == ["2 dead letters redriven."]
        again = browser.post(DEAD_LETTERS, {**form, "confirmed": "yes"})
        assert messages_of(again)[-1] == "There is nothing left to do."
        assert list(InboxEvent.objects.exclude(dead_at=None)) == [rows[2]]
        assert AuditEntry.objects.count() == 2

    def test_tells_which_of_a_selection_could_not_be_redriven_and_why(self, committing, browser):
        add_dead()
        dead_letters.refuse("a" * 100, reason="no event", producer=None)
        answer = redrive_all(browser)
        which = f"unknown message from an unknown sender: {'a' * 60}…"
        assert messages_of(answer) == [
            "1 dead letter redriven.",
            f"1 dead letter could not be redriven ({which}): Who sent the message is not known",
        ]

    def test_tells_how_many_could_not_be_redriven_for_one_reason(self, committing, browser):
        for text in ("a", "b"):
            dead_letters.refuse(text, reason="no event", producer=None)
        assert messages_of(redrive_all(browser)) == [
            "2 dead letters could not be redriven: Who sent the message is not known"
        ]

    def test_asks_about_refused_messages_by_sender_and_beginning(self, committing, browser):
        dead_letters.refuse("a <b>", reason="no event", producer="auth")
        dead_letters.refuse({"type": "order.paid"}, reason="no event", producer="catalog")
        asked = redrive_all(browser, confirmed="").content.decode()
        assert "<li>unknown message from auth: a &lt;b&gt;</li>" in asked
        assert (
            "<li>order.paid message from catalog: {&quot;type&quot;: &quot;order.paid&quot;}</li>"
            in asked
        )

    @pytest.mark.parametrize("chosen", ["zz", "\0", "1; DROP TABLE inbox", str(2**70)])
    def test_refuses_a_selection_of_what_is_no_row(self, db, browser, chosen):
        token = token_of(browser.get(DEAD_LETTERS))
        form = {
            "csrfmiddlewaretoken": token,
            "action": "redrive_selected",
            "_selected_action": chosen,
        }
        assert browser.post(DEAD_LETTERS, form).status_code in {302, 400}
        assert browser.post(DEAD_LETTERS, {**form, "confirmed": "yes"}).status_code in {302, 400}

    def test_of_two_at_once_one_is_audited(self, committing):
        dead = add_dead()
        results = race([lambda: dead_letters.redrive(dead.consumer, dead.event_id, by=None)] * 2)
        assert sorted(results) == [False, True]
        assert AuditEntry.objects.count() == 1
        dead.refresh_from_db()
        assert (dead.dead_at, dead.attempts) == (None, 0)

    def test_hands_what_had_no_handler_to_those_there_are_now(self, committing, notes):
        dead = add_dead("order.unknown")
        assert dead_letters.redrive(dead.consumer, dead.event_id, by=None) is True
        dead.refresh_from_db()
        assert (dead.effect, dead.dead_at) == ("handed to sample.keep, sample.check", None)
        while inbox.retry_due():
            pass
        assert notes() == ["late"]
        assert not InboxEvent.objects.filter(handled_at=None).exists()

    def test_handles_no_event_twice_that_had_no_handler_of_one_name(self, committing, notes):
        message = envelope(NAME, {"text": "late"}, "subject")
        inbox.receive(message)
        InboxEvent.objects.create(
            consumer="order.unknown",
            event_id=message["id"],
            type=NAME,
            subject="subject",
            envelope=message,
            dead_at=timezone.now(),
        )
        dead_letters.redrive("order.unknown", message["id"], by=None)
        assert inbox.retry_due() == 0
        assert notes() == ["late"]

    def test_leaves_what_still_has_no_handler(self, committing, browser):
        inbox.receive(envelope("sample.unheard_of", {}, "subject"))
        row = InboxEvent.objects.get()
        answer = browser.press(f"{DEAD_LETTERS}{row.pk}/redrive/")
        assert messages_of(answer) == ["No handler of sample.unheard_of is there"]
        row.refresh_from_db()
        assert row.dead_at
        assert not AuditEntry.objects.exists()

    def test_leaves_what_is_not_dead_alone(self, committing):
        add_events()
        handled = InboxEvent.objects.exclude(handled_at=None).get()
        assert dead_letters.redrive(handled.consumer, handled.event_id, by=None) is False
        assert list(InboxEvent.objects.exclude(handled_at=None)) == [handled]


def redrive_all(browser, confirmed="yes"):
    """Select each dead letter, press the button and confirm."""
    form = {
        "csrfmiddlewaretoken": token_of(browser.get(DEAD_LETTERS)),
        "action": "redrive_selected",
        "_selected_action": [str(row.pk) for row in InboxEvent.objects.exclude(dead_at=None)],
    }
    return browser.post(DEAD_LETTERS, {**form, "confirmed": confirmed})
