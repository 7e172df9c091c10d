"""The base of pages on which rows are written: what is done is audited, and nothing is done in bulk."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone

from apps.order_service.admin import site
from chassis.admin.options import ServiceModelAdmin
from chassis.ids import uuid7
from chassis.models import AuditEntry, DenyEntry
from chassis.tokens.principal import Principal


@pytest.fixture
def request_of_staff():
    user_id = uuid7()
    request = RequestFactory().get("/admin/orders/")
    request.user = Principal(str(user_id), "staff", frozenset(), user_id)  # type: ignore[assignment]
    return request


@pytest.fixture
def pages():
    return ServiceModelAdmin(DenyEntry, site)


@pytest.fixture
def row(db):
    return DenyEntry.objects.create(user_id=uuid7(), not_before=timezone.now())


class TestServiceModelAdmin:
    def test_has_no_deletion_of_a_selection(self, pages, request_of_staff):
        assert pages.has_delete_permission(request_of_staff)
        assert "delete_selected" not in pages.get_actions(request_of_staff)

    @pytest.mark.django_db
    def test_writes_the_audit_log_in_the_place_of_djangos(self, pages, request_of_staff, row):
        changed = [{"changed": {"fields": ["not before"]}}]
        with transaction.atomic():
            pages.log_addition(request_of_staff, row, [{"added": {}}])
            pages.log_change(request_of_staff, row, changed)
            pages.log_deletions(request_of_staff, DenyEntry.objects.all())
        entries = AuditEntry.objects.order_by("id")
        assert [(entry.action, entry.details) for entry in entries] == [
            ("denyentry.added", {}),
            ("denyentry.changed", {"fields": ["not before"]}),
            ("denyentry.deleted", {"name": str(row)}),
        ]
        assert {entry.actor_id for entry in entries} == {request_of_staff.user.user_id}
        assert list(pages.history_of(row)) == list(entries.reverse())
        assert not LogEntry.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_notes_nothing_outside_of_the_transaction_it_tells_of(
        self, pages, request_of_staff, row
    ):
        with pytest.raises(RuntimeError, match="in the transaction of what it tells"):
            pages.log_change(request_of_staff, row, [])

    def test_is_closed_to_customers(self, pages, request_of_staff):
        request_of_staff.user = Principal("x", "customer", frozenset(), uuid7())
        for may in ("module", "view", "add", "change", "delete", "admin"):
            assert not getattr(pages, f"has_{may}_permission")(request_of_staff)
