"""On the outbox, which has columns of the types that lists are ordered by."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing
from django.db.models import DecimalField, ExpressionWrapper, F, FloatField, Value
from django.db.models.functions import Cast
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from chassis import pagination
from chassis.ids import uuid7
from chassis.models import OutboxEvent
from chassis.pagination import Order

NEWEST = Order(("-time", "-id"))


def request_of(query=""):
    return Request(APIRequestFactory().get(f"/api/v1/things?{query}"))


@pytest.fixture
def rows(db):
    """Return 25 rows, in fives of the same microsecond."""
    start = datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    made = [
        OutboxEvent(
            id=uuid7(),
            type="t",
            version=1,
            subject=f"s{number % 3}",
            sequence=number,
            time=start + timedelta(microseconds=number // 5),
            data={},
            request_id="r",
            traceparent="t",
        )
        for number in range(25)
    ]
    return OutboxEvent.objects.bulk_create(made)


def walk(queryset, order, limit, step="next", cursor=None):
    """Return the pages from a cursor on."""
    pages = []
    while True:
        page = pagination.page(queryset, order=order, limit=limit, cursor=cursor)
        pages.append(page)
        cursor = getattr(page, step)
        if cursor is None:
            return pages


class TestPage:
    @pytest.mark.parametrize(
        "columns",
        [("-time", "-id"), ("time", "id"), ("-time", "id"), ("subject", "-time", "id"), ("id",)],
    )
    @pytest.mark.parametrize("limit", [1, 4, 5, 24, 25, 26])
    def test_shows_every_row_once_forwards_and_backwards(self, rows, columns, limit):
        order = Order(columns)
        expected = list(OutboxEvent.objects.order_by(*columns).values_list("id", flat=True))
        pages = walk(OutboxEvent.objects.all(), order, limit)
        assert [row.id for page in pages for row in page.rows] == expected
        assert pages[0].previous is None
        back = walk(OutboxEvent.objects.all(), order, limit, "previous", pages[-1].previous)
        if pages[-1].previous is not None:
            before_last = expected[: -len(pages[-1].rows)]
            assert [row.id for page in reversed(back) for row in page.rows] == before_last

    def test_keeps_decimals_times_and_ids_exact(self, rows):
        prices = [Decimal("0.10"), Decimal("12345678901234567.89")]
        decimal = DecimalField(max_digits=30, decimal_places=2)
        queryset = OutboxEvent.objects.annotate(
            price=ExpressionWrapper(
                Cast(F("sequence"), decimal) * Value(prices[0]) + Value(prices[1]), decimal
            )
        ).values("id", "price", "time")
        order = Order(("-price", "time", "id"))
        pages = walk(queryset, order, 3)
        found = [row["price"] for page in pages for row in page.rows]
        assert found == sorted(set(found), reverse=True)
        assert len(found) == 25

    def test_keeps_floats_exact(self, rows):
        queryset = OutboxEvent.objects.annotate(
            rank=Cast(F("sequence"), FloatField()) / Value(7.0)
        ).values("id", "rank")
        found = [
            row["rank"] for page in walk(queryset, Order(("-rank", "id")), 2) for row in page.rows
        ]
        assert found == sorted(set(found), reverse=True)
        assert len(found) == 25

    def test_shifts_nothing_when_rows_come_and_go(self, rows):
        queryset = OutboxEvent.objects.all()
        first = pagination.page(queryset, order=NEWEST, limit=10, cursor=None)
        expected = list(queryset.order_by("-time", "-id").values_list("id", flat=True))[10:20]
        OutboxEvent.objects.filter(id=first.rows[-1].id).delete()
        OutboxEvent.objects.filter(id=first.rows[0].id).update(
            time=datetime(2027, 1, 1, tzinfo=UTC)
        )
        second = pagination.page(queryset, order=NEWEST, limit=10, cursor=first.next)
        assert [row.id for row in second.rows] == expected

    def test_makes_one_query(self, rows, django_assert_num_queries):
        with django_assert_num_queries(1):
            pagination.page(OutboxEvent.objects.all(), order=NEWEST, limit=10, cursor=None)

    @pytest.mark.parametrize(
        ("columns", "condition"),
        [
            (("-time", "-id"), '("outbox"."time", "outbox"."id") < ('),
            (("time", "id"), '("outbox"."time", "outbox"."id") > ('),
            (("-time", "id"), '("outbox"."time" <= '),
        ],
    )
    def test_compares_so_that_an_index_can_be_entered(self, rows, columns, condition):
        order = Order(columns)
        first = pagination.page(OutboxEvent.objects.all(), order=order, limit=10, cursor=None)
        assert first.next is not None
        _, values = pagination._read_cursor(first.next, order, "")
        sql = str(OutboxEvent.objects.filter(order.after(values)).query)
        assert sql.partition(" WHERE ")[2].startswith(condition)

    def test_is_empty_without_rows(self, db):
        page = pagination.page(OutboxEvent.objects.all(), order=NEWEST, limit=10, cursor=None)
        assert (page.rows, page.next, page.previous) == ([], None, None)

    def test_refuses_to_be_ordered_by_null(self, rows):
        with pytest.raises(ValueError, match="cannot be ordered by null"):
            pagination.page(
                OutboxEvent.objects.all(), order=Order(("published_at", "id")), limit=2, cursor=None
            )


class TestCursor:
    @pytest.fixture
    def cursor(self, rows):
        return pagination.page(OutboxEvent.objects.all(), order=NEWEST, limit=5, cursor=None).next

    def read(self, cursor, order=NEWEST, scope=""):
        return pagination.page(
            OutboxEvent.objects.all(), order=order, limit=5, cursor=cursor, scope=scope
        )

    def test_is_refused_for_another_order_or_scope(self, cursor):
        for options in ({"order": Order(("time", "id"))}, {"scope": "status=paid"}):
            with pytest.raises(ValidationError) as refusal:
                self.read(cursor, **options)
            assert "another order or other filters" in str(refusal.value.detail)

    def test_is_refused_when_changed_anywhere(self, cursor):
        for index in range(len(cursor)):
            changed = cursor[:index] + ("A" if cursor[index] != "A" else "B") + cursor[index + 1 :]
            with pytest.raises(ValidationError) as refusal:
                self.read(changed)
            assert "is not a cursor of this list" in str(refusal.value.detail)

    @pytest.mark.parametrize("form", [[], [1], [1, 2, 3, 4], {}, "text", None, 5])
    def test_is_refused_when_signed_elsewhere_or_of_another_form(self, db, form):
        for salt in ("souk.cursor", "else"):
            with pytest.raises(ValidationError):
                self.read(signing.Signer(salt=salt).sign_object(form))

    @given(st.text())
    @hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    def test_is_refused_as_any_text(self, db, text):
        if text:
            with pytest.raises(ValidationError):
                self.read(text)


class TestReadLimit:
    @pytest.mark.parametrize(("query", "limit"), [("", 20), ("limit=1", 1), ("limit=100", 100)])
    def test_is_20_or_what_is_asked(self, query, limit):
        assert pagination.read_limit(request_of(query)) == limit

    @pytest.mark.parametrize(
        "text", ["0", "101", "-1", "1.5", "", "x", "1e2", "%D9%A3", "0005", "9" * 5000, "+5"]
    )
    def test_refuses_everything_else(self, text):
        with pytest.raises(ValidationError) as refusal:
            pagination.read_limit(request_of(f"limit={text}"))
        assert list(refusal.value.detail) == ["limit"]


class TestOrder:
    @pytest.mark.parametrize(
        ("columns", "order", "after"),
        [
            (("-price", "-id"), "price DESC, id DESC", "(price, id) < (%(after_0)s, %(after_1)s)"),
            (("id",), "id", "(id) > (%(after_0)s)"),
        ],
    )
    def test_is_written_for_statements_by_hand(self, columns, order, after):
        assert (Order(columns).sql_order(), Order(columns).sql_after()) == (order, after)


class TestEnvelope:
    def test_names_the_neighbours_at_the_gateway_with_the_other_parameters(self, settings):
        request = request_of("status=a&status=b&limit=2&cursor=old&q=%C3%A9%26")
        page = pagination.Page(rows=[], next="n:1", previous=None)
        answer = pagination.envelope(request, page, [1])
        assert (answer["results"], answer["previous"]) == ([1], None)
        assert answer["next"].startswith(f"{settings.PUBLIC_URL}/api/v1/things?")
        assert parse_qs(urlsplit(answer["next"]).query) == {
            "status": ["a", "b"],
            "limit": ["2"],
            "cursor": ["n:1"],
            "q": ["é&"],
        }
