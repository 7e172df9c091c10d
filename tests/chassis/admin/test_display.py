"""How values look on a page."""

import pytest

from chassis.admin import display
from chassis.models import AuditEntry


class TestChanges:
    @pytest.mark.parametrize(
        ("details", "told"),
        [
            ({}, ""),
            ({"after": "staff", "before": "customer"}, "customer → staff"),
            ({"name": "Ada", "after": "a", "before": "b"}, "b → a, name: Ada"),
            ({"after": "staff"}, "after: staff"),
            ({"retired": ["one", "two"]}, "retired: one, two"),
            ({"retired": []}, "retired: none"),
            ({"why": "", "number": 0}, "number: 0"),
            (
                {"sessions": 2, "is_active": False, "by": None},
                "sessions: 2, is_active: no, by: none",
            ),
        ],
    )
    def test_are_told_in_words(self, details, told):
        assert display.changes(details) == told


class TestNumberOf:
    def test_uses_the_models_words(self):
        assert display.number_of(1, AuditEntry) == "1 audit entry"
        assert display.number_of(2, AuditEntry) == "2 audit entries"
