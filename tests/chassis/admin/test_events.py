"""The pages of events, written and received."""

import re
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chassis.events import dead_letters
from chassis.ids import uuid7
from chassis.models import InboxEvent
from tests.chassis.admin.rows import DEAD_LETTERS, INBOX, NAME


class TestTheStatesOfAnEvent:
    STATES: ClassVar[dict[str, dict[str, Any]]] = {
        "handled": {"handled_at": "now", "effect": "kept"},
        "waiting": {"not_before": "now"},
        "failing": {"attempts": 1, "error": "x", "not_before": "now"},
        "dead": {"attempts": 8, "error": "x", "dead_at": "now"},
        "discarded": {"handled_at": "now", "effect": "discarded: of no use"},
    }

    @pytest.mark.parametrize("state", STATES)
    def test_are_shown_and_chosen_by(self, db, browser, state):
        now = timezone.now()
        for number, values in enumerate(self.STATES.values()):
            InboxEvent.objects.create(
                consumer="sample.keep",
                event_id=uuid7(),
                type=NAME,
                subject=f"subject-{list(self.STATES)[number]}",
                envelope={},
                **{name: now if value == "now" else value for name, value in values.items()},
            )
        page = browser.get(f"{INBOX}?state={state}").content.decode()
        shown = set(re.findall(r"subject-(\w+)", page))
        assert shown == {state}

    @pytest.mark.parametrize("state", ["waiting", "failing", "dead", "discarded"])
    def test_are_found_by_an_index_whatever_was_handled(self, db, browser, state):
        with connection.cursor() as cursor:
            cursor.execute(HANDLED)
            cursor.execute("ANALYZE inbox")
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(f"{INBOX}?state={state}").status_code == 200
        asked = [query["sql"] for query in queries if 'FROM "inbox"' in query["sql"]]
        assert len(asked) == 2  # the rows, and how many there are
        with connection.cursor() as cursor:
            for query in asked:
                cursor.execute(f"EXPLAIN {query}")
                plan = "\n".join(line for (line,) in cursor.fetchall())
                assert re.search(r"Index (Only )?Scan|Bitmap Index Scan", plan), plan
                assert "inbox_pkey" not in plan
                assert "Seq Scan" not in plan


HANDLED = """
INSERT INTO inbox (consumer, event_id, type, subject, envelope, received_at, handled_at, effect, attempts, error)
SELECT 'sample.keep', gen_random_uuid(), 'sample.note_taken', 'note', '{}', now(), now(),
       CASE WHEN n % 10000 = 0 THEN 'discarded: of no use' ELSE 'kept' END, 0, ''
FROM generate_series(1, 30000) AS n
"""


class TestARefusedMessage:
    @pytest.fixture
    def shown(self, db, browser):
        """Return a function that refuses a message and returns what its page shows of it."""

        def show(message, producer="catalog"):
            dead_letters.refuse(message, reason="nothing of ours", producer=producer)
            row = InboxEvent.objects.latest("pk")
            page = browser.get(f"{INBOX}{row.pk}/change/")
            assert page.status_code == 200
            blocks = re.findall(
                r'<pre class="souk-json">(.*?)</pre>', page.content.decode(), re.DOTALL
            )
            return blocks[-1]

        return show

    def test_is_shown_as_it_came_and_escaped_once(self, shown):
        assert shown("no 'event' <b>") == "from catalog\n\nno &#x27;event&#x27; &lt;b&gt;"

    def test_is_shown_without_a_second_escape_where_it_was_no_text(self, shown):
        pickled = b"\x80\x04cos\nsystem\n(".decode(errors="backslashreplace")
        assert shown(pickled, producer=None) == f"from an unknown sender\n\n{pickled}"
        assert "\\x80\x04cos\n" in pickled

    def test_is_shown_indented_where_it_was_json(self, shown):
        assert shown({"b": ["ü"]}) == (
            "from catalog\n\n{\n  &quot;b&quot;: [\n    &quot;ü&quot;\n  ]\n}"
        )

    def test_is_shown_up_to_where_its_end_was_cut_off(self, shown):
        assert shown("ü" * dead_letters.LONGEST_MESSAGE).endswith("üü")
        assert shown(["a" * dead_letters.LONGEST_MESSAGE]).endswith("aaa")

    @pytest.mark.parametrize(
        "message",
        ["\ud800", {"a": "\ud800"}, "[" * 5000 + "]" * 5000, "\0", "", None, 1e300, "\x1b"],
        ids=str,
    )
    def test_is_shown_whatever_it_is(self, shown, browser, message):
        assert shown(message).startswith("from catalog")
        assert browser.get(INBOX).status_code == 200

    def test_is_shown_however_deep_it_is(self, shown, browser):
        message: list[Any] = []
        for _ in range(880):
            message = [message]
        assert shown(message).startswith("from catalog\n\n[")

    def test_is_told_apart_in_the_lists_by_its_sender_and_its_beginning(self, shown, browser):
        shown("first\n\x1b<b>" + "a" * 100)
        shown("second", producer="auth")
        told = f"first &lt;b&gt;{'a' * 51}…"
        for path in (INBOX, DEAD_LETTERS):
            page = browser.get(path).content.decode()
            assert f'nothing of ours<br><span class="text-subtle">from catalog: {told}<' in page
            assert ">from auth: second<" in page
        InboxEvent.objects.update(
            dead_at=None, handled_at=timezone.now(), effect="discarded: of no use"
        )
        page = browser.get(f"{INBOX}?state=discarded").content.decode()
        assert f'of no use<br><span class="text-subtle">from catalog: {told}<' in page
