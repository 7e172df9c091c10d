"""What is kept of the reads is true at every moment, and whoever has it already is told so."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from apps.catalog_service.api import reading
from apps.catalog_service.models import Product
from apps.catalog_service.selectors import listing, products
from chassis.database import fetch
from chassis.reads import Answers, InFront
from tests.catalog_service.factories import PRODUCTS, category, product, reserve
from tests.catalog_service.problems import pointers, problem_of

pytestmark = pytest.mark.django_db


def queries_of(client: Any, path: str, **headers: str) -> int:
    """Return how many queries a read takes."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path, headers=headers).status_code in {200, 304}
    return len(queries)


def catalog_version() -> int:
    """Return the version as the transaction of the test sees it."""
    ((version,),) = fetch(products.CATALOG_VERSION, {})
    return int(version)


def shown(client: Any, made: Product) -> list[dict[str, Any]]:
    """Return the product as the list and its own path show it."""
    rows = client.get(PRODUCTS).json()["results"]
    return [
        next(row for row in rows if row["id"] == str(made.id)),
        client.get(f"{PRODUCTS}/{made.slug}").json(),
    ]


@pytest.fixture
def made(api: Any) -> Product:
    """Return a product whose list and page are kept."""
    kept = product(7, name="Desk lamp", price=Decimal("19.90"))
    shown(api, kept)
    return kept


class TestKept:
    def test_costs_one_small_query(self, api, made):
        for path in (PRODUCTS, f"{PRODUCTS}/{made.slug}"):
            assert queries_of(api, path) == 1

    def test_shows_an_edit_to_the_next_request(self, api, as_customer, as_staff, made):
        changed = as_staff.patch(f"{PRODUCTS}/{made.slug}", {"price": "5.00"})
        assert changed.status_code == 200
        for client in (api, as_customer):
            assert [view["price"] for view in shown(client, made)] == ["5.00"] * 2

    @pytest.mark.parametrize(
        ("statement", "field", "value"),
        [
            ("UPDATE product SET name = 'Other'", "name", "Other"),
            ("UPDATE category SET slug = 'other'", "category", "other"),
            ("UPDATE stock SET on_hand = 6", "available", 6),
            ("UPDATE stock SET reserved = 7", "in_stock", False),
        ],
    )
    def test_shows_what_was_changed_past_the_services(self, api, made, statement, field, value):
        with connection.cursor() as cursor:
            cursor.execute(statement)
        assert [view[field] for view in shown(api, made)] == [value] * 2

    @pytest.mark.parametrize("path", ["list", "detail"])
    def test_hides_what_was_archived(self, api, as_staff, made, path):
        as_staff.delete(f"{PRODUCTS}/{made.slug}")
        if path == "list":
            assert api.get(PRODUCTS).json()["results"] == []
        else:
            problem_of(api.get(f"{PRODUCTS}/{made.slug}"), 404, "not-found")

    def test_shows_a_sale(self, api, order, made):
        reserve(order, (made.sku, 2))
        assert [view["available"] for view in shown(api, made)] == [5, 5]

    def test_stays_through_a_sale_that_shows_nothing(self, api, order):
        made = product(500)
        shown(api, made)
        before = catalog_version()
        reserve(order, (made.sku, 300))
        assert catalog_version() == before
        reserve(order, (made.sku, 195))
        assert [view["available"] for view in shown(api, made)] == [5, 5]

    def test_is_true_in_each_process(self, api, as_staff, made):
        elsewhere = Answers(1_000_000, path=PRODUCTS, version=products.CATALOG_VERSION)
        with mock.patch.object(reading, "answers", elsewhere):
            shown(api, made)
        as_staff.patch(f"{PRODUCTS}/{made.slug}", {"name": "Other"})
        for process in (reading.answers, elsewhere):
            with mock.patch.object(reading, "answers", process):
                assert [view["name"] for view in shown(api, made)] == ["Other"] * 2

    def test_is_never_of_staff(self, api, as_staff, made):
        assert shown(as_staff, made)[0]["stock"] == {"on_hand": 7, "reserved": 0, "available": 7}
        assert all("stock" not in view for view in shown(api, made))
        assert shown(as_staff, made)[1]["available"] == 7

    def test_asks_no_redis(self, api, made):
        refused = mock.patch(
            "redis.connection.ConnectionPool.get_connection", side_effect=AssertionError("Redis")
        )
        with refused, pytest.raises(AssertionError, match="Redis"):
            cache.get("anything")
        with refused:
            for _ in range(2):
                assert shown(api, made)

    def test_is_not_younger_than_its_version(self, api, made):
        """A change that commits between the two reads of a request is found by the next request."""
        read = listing.list_products

        def change_first(*args: Any, **options: Any) -> Any:
            page = read(*args, **options)
            Product.objects.update(name="Changed meanwhile")
            return page

        with mock.patch.object(listing, "list_products", change_first):
            old = api.get(f"{PRODUCTS}?limit=5").json()["results"][0]["name"]
        assert old == "Desk lamp"
        assert api.get(f"{PRODUCTS}?limit=5").json()["results"][0]["name"] == "Changed meanwhile"


class TestVersion:
    @pytest.mark.django_db(transaction=True)
    def test_keeps_no_writer_waiting(self, at_once):
        made = [product(5), product(5)]
        before = catalog_version()
        gate = threading.Barrier(2)

        def change(row: Product) -> None:
            with transaction.atomic():
                Product.objects.filter(id=row.id).update(name="Changed")
                gate.wait(timeout=10)  # both have changed it, and neither has committed

        assert at_once(*(lambda row=row: change(row) for row in made)) == [None, None]
        assert catalog_version() > before

    def test_begins_anew_after_a_truncation(self):
        product()
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE catalog_version")
        assert catalog_version() == 0
        Product.objects.update(name="Changed")
        assert catalog_version() > 0


class TestValidators:
    @pytest.fixture(params=["list", "detail"])
    def path(self, request, made):
        return PRODUCTS if request.param == "list" else f"{PRODUCTS}/{made.slug}"

    @pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other", W/{} ', "*"])
    def test_answer_304_to_who_has_it(self, api, path, form):
        etag = api.get(path)["ETag"]
        response = api.get(path, headers={"If-None-Match": form.format(etag)})
        assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)
        assert response["Cache-Control"] == "public, no-cache"
        assert response["Vary"] == "Authorization"
        assert queries_of(api, path, **{"If-None-Match": etag}) == 1

    @pytest.mark.parametrize("other", ['"other"', "other", "", '"*"', "W/"])
    def test_answer_in_full_otherwise(self, api, path, other):
        assert api.get(path, headers={"If-None-Match": other}).status_code == 200

    def test_differ_after_a_change_and_stay_through_others(self, api, made, path):
        etag = api.get(path)["ETag"]
        Product.objects.filter(id=made.id).update(popularity=5)
        assert api.get(path, headers={"If-None-Match": etag}).status_code == 304
        Product.objects.filter(id=made.id).update(description="Other")
        assert api.get(path, headers={"If-None-Match": etag}).status_code == 200

    def test_name_the_products_version(self, api, made):
        Product.objects.update(version=17)
        etag = api.get(f"{PRODUCTS}/{made.slug}")["ETag"]
        assert etag.startswith('"17.')
        assert products.etag_version(etag) == {17}

    def test_head_is_get_without_its_body(self, api, path):
        whole, head = api.get(path), api.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert dict(head.headers) | {"X-Request-ID": ""} == dict(whole.headers) | {
            "X-Request-ID": ""
        }

    def test_are_private_for_who_shows_a_token(self, as_customer, as_staff, path):
        for client in (as_customer, as_staff):
            assert client.get(path)["Cache-Control"] == "private, no-cache"
            etag = client.get(path)["ETag"]
            assert client.get(path, headers={"If-None-Match": etag}).status_code == 304


class Web:
    """The service as a web process has it: with what is kept in front of Django."""

    def __init__(self) -> None:
        """Count what comes to Django."""
        self.to_django = 0
        self._django = get_wsgi_application()
        self._front = InFront(self._behind, reading.answers, catalog_version)

    def _behind(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.to_django += 1
        return self._django(environ, start_response)

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[str, Any, bytes]:
        """Return status, headers and body."""
        return self._answer(self._front, path, method, headers)

    def ask_django(self, path: str, method: str = "GET", **headers: str) -> tuple[str, Any, bytes]:
        """Return the same as Django alone answers."""
        return self._answer(self._django, path, method, headers)

    @staticmethod
    def _answer(application: Any, path: str, method: str, headers: Any) -> tuple[str, Any, bytes]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = "x" * int(headers.get("Content-Length", 0))
        environ = RequestFactory().generic(method, path, sent, headers=names).environ
        started: list[Any] = []
        body = b"".join(application(environ, lambda *given: started.extend(given)))
        return started[0], started[1], body


class TestInFront:
    """Nothing of it is met through the test client, which asks Django."""

    @pytest.fixture
    def web(self, made: Product, settings: Any) -> Iterator[Web]:
        settings.SECURE_HSTS_SECONDS = 60
        request_started.disconnect(close_old_connections)  # with the transaction of the test
        yield Web()
        request_started.connect(close_old_connections)

    @pytest.fixture(params=["list", "detail"])
    def path(self, request, made):
        of_one = request.param == "detail"
        return f"{PRODUCTS}/{made.slug}?new=1" if of_one else f"{PRODUCTS}?limit=5"

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize("proto", ["http", "https", "https, http", "ftp"])
    @pytest.mark.parametrize("if_none_match", ["", "*", '"other"'])
    def test_gives_what_django_gives(self, web, path, method, proto, if_none_match):
        headers = {
            "X-Request-ID": "mine",
            "X-Forwarded-Proto": proto,
            "If-None-Match": if_none_match,
        }
        web.ask(path)
        answer = web.ask(path, method, **headers)
        assert answer == web.ask_django(path, method, **headers)
        assert ("Strict-Transport-Security" in dict(answer[1])) == proto.startswith("https")
        assert web.to_django == 1

    def test_makes_a_request_id(self, web, path):
        for asked in ("", "a b"):
            ids = [dict(web.ask(path, X_Request_ID=asked)[1])["X-Request-ID"] for _ in range(3)]
            assert len({*ids, asked}) == 4
        assert web.to_django == 1

    def test_logs_each_request(self, web, path, caplog):
        web.ask(path)
        caplog.set_level("INFO")
        caplog.clear()
        trace = f"00-{'a' * 32}-{'b' * 16}-01"
        web.ask(path, X_Request_ID="mine", traceparent=trace)
        web.ask_django(path, X_Request_ID="mine", traceparent=trace)
        ours, djangos = [
            {**record.msg, "milliseconds": 0, "timestamp": ""}
            for record in caplog.records
            if record.name == "chassis.context"
        ]
        assert len({ours.pop("span_id"), djangos.pop("span_id"), "b" * 16}) == 3
        assert ours == djangos
        assert (ours["request_id"], ours["trace_id"]) == ("mine", "a" * 32)
        assert repr(ours["status"]) == "200"

    def test_shows_a_change_to_the_next_request(self, web, path):
        before = web.ask(path)
        Product.objects.update(name="Other")
        assert b"Other" in web.ask(path)[2]
        assert web.ask(path)[2] != before[2]
        assert web.to_django == 2

    def test_reads_the_version_once(self, web, path):
        for queries in (2, 1, 1):
            with CaptureQueriesContext(connection) as counted:
                web.ask(path)
            assert len(counted) == queries

    @pytest.mark.parametrize(
        ("method", "headers"),
        [
            ("GET", {"Authorization": "Bearer x"}),
            ("GET", {"Authorization": "Basic x"}),
            ("POST", {}),
            ("OPTIONS", {}),
            ("GET", {"Content-Length": "3"}),
            ("GET", {"Transfer-Encoding": "chunked"}),
        ],
    )
    def test_leaves_all_else_to_django(self, web, path, method, headers):
        web.ask(path)
        web.ask(path, method, **headers)
        assert web.to_django == 2

    def test_leaves_a_database_that_is_away_to_django(self, web, path):
        web.ask(path)
        away = InFront(web._behind, reading.answers, lambda: None)
        assert web._answer(away, path, "GET", {})[0] == "200 OK"
        assert web.to_django == 2


class TestEtagVersion:
    @pytest.mark.parametrize(
        ("header", "versions"),
        [
            ("*", None),
            (' "3.ab" ', {3}),
            ('"3.ab", "4.cd"', {3, 4}),
            ('W/"3.ab"', set()),
            ('W/"3.ab", "4.cd"', {4}),
            ('"x.ab"', set()),
            ('"\u0663.ab"', set()),
            ('"' + "9" * 30 + '.ab"', set()),
            ("3.ab", set()),
            ("", set()),
        ],
    )
    def test_reads_what_if_match_names(self, header, versions):
        assert products.etag_version(header) == versions


class TestFields:
    def test_show_these_alone(self, api, as_staff):
        made = product(3)
        for client in (api, as_staff):
            row = client.get(f"{PRODUCTS}?fields=slug,price,in_stock").json()["results"][0]
            assert row == {"slug": made.slug, "price": "10.00", "in_stock": True}
        row = as_staff.get(f"{PRODUCTS}?fields=stock").json()["results"][0]
        assert row == {"stock": {"on_hand": 3, "reserved": 0, "available": 3}}
        assert api.get(f"{PRODUCTS}?fields=stock").json()["results"] == [{}]

    def test_leave_the_walk_alone(self, api):
        names = [product().name for _ in range(3)]
        url, seen = f"{PRODUCTS}?fields=name&sort=-price&limit=1", []
        while url:
            page = api.get(url).json()
            seen += page["results"]
            url = page["next"]
        assert seen == [{"name": name} for name in reversed(names)]

    @pytest.mark.parametrize(
        "names", ["colour", "name,", ",", "NAME", "search", "version", "name, sku"]
    )
    def test_refuse_names_that_mean_nothing(self, api, names):
        assert pointers(api.get(PRODUCTS, {"fields": names})) == ["#/fields"]


class TestAttributes:
    @pytest.fixture(autouse=True)
    def _products(self):
        product(sku="RED", attributes={"color": "red", "watt": 9, "new": True})
        product(sku="BLUE", attributes={"color": "blue", "watt": "9", "size": {"w": 1}})

    def skus(self, client: Any, **parameters: str) -> set[str]:
        response = client.get(PRODUCTS, {f"attr.{name}": text for name, text in parameters.items()})
        assert response.status_code == 200, response.content
        return {row["sku"] for row in response.json()["results"]}

    def test_narrow_the_list(self, api):
        assert self.skus(api, color="red") == {"RED"}
        assert self.skus(api, color="red", new="true") == {"RED"}
        assert self.skus(api, color="blue", new="true") == set()
        assert self.skus(api, color="") == {"RED", "BLUE"}

    def test_find_numbers_as_such_and_as_text(self, api):
        assert self.skus(api, watt="9") == {"RED", "BLUE"}
        assert self.skus(api, watt="9.0") == {"RED"}
        assert self.skus(api, watt="09") == set()

    @pytest.mark.parametrize(
        "text", ['"', "\\", "{}", "null", "1e999999", "-", "9" * 200, "%s", "\u2028", "'; --"]
    )
    def test_take_any_text(self, api, text):
        assert self.skus(api, color=text) == set()
        assert self.skus(api, **{text: "red"}) == set()

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("attr.color=%00", "#/attr.color"),
            ("attr.%00=a", "#/attr.\0"),
            ("attr.=a", "#/attr."),
            ("attr.color=" + "a" * 201, "#/attr.color"),
            ("&".join(f"attr.a{number}=1" for number in range(11)), "#/attr"),
        ],
    )
    def test_refuse_others(self, api, query, pointer):
        assert pointers(api.get(f"{PRODUCTS}?{query}")) == [pointer]

    def test_are_of_the_cursor(self, api):
        product(attributes={"color": "red"})
        page = api.get(f"{PRODUCTS}?attr.color=red&limit=1").json()
        other = page["next"].replace("attr.color=red", "attr.color=blue")
        assert api.get(page["next"]).status_code == 200
        assert pointers(api.get(other)) == ["#/cursor"]


class TestStatus:
    def test_is_among_what_the_caller_may_see(self, api, as_staff):
        for status in ("draft", "active", "archived"):
            product(sku=status, status=status)
        for status in ("draft", "active", "archived"):
            rows = as_staff.get(PRODUCTS, {"status": status}).json()["results"]
            assert [row["sku"] for row in rows] == [status]
            rows = api.get(PRODUCTS, {"status": status}).json()["results"]
            assert [row["sku"] for row in rows] == (["active"] if status == "active" else [])

    def test_refuses_others(self, api):
        assert pointers(api.get(f"{PRODUCTS}?status=gone")) == ["#/status"]


class TestCost:
    @pytest.mark.parametrize(
        ("query", "queries"),
        [
            ("sort=price", 2),
            ("sort=-popularity&in_stock=true&min_price=1&attr.a=1", 2),
            ("category=lighting", 3),
            ("q=lamp", 4),
            ("q=lamp&category=lighting&sort=name", 4),
        ],
    )
    def test_is_the_same_for_any_length(self, api, query, queries):
        for number in range(2, 32):
            product(name=f"Lamp {number}")
        category("Home")
        for limit in (1, 30):
            assert queries_of(api, f"{PRODUCTS}?{query}&limit={limit}") == queries


class TestOrder:
    def test_by_popularity_walks_down(self, api):
        made = [product() for _ in range(4)]
        for row, popularity in zip(made, (1, 9, 9, 4), strict=True):
            Product.objects.filter(id=row.id).update(popularity=popularity)
        url, seen = f"{PRODUCTS}?sort=-popularity&limit=1", []
        while url:
            page = api.get(url).json()
            seen += [row["sku"] for row in page["results"]]
            url = page["next"]
        assert seen == [made[place].sku for place in (2, 1, 3, 0)]


class TestPlan:
    def test_enters_the_index_behind_the_cursor(self):
        """Thousands of products of one price cost no more than others: the row is compared whole."""
        order = listing.SORTS["price"]
        assert order.sql_after() == "(price, id) > (%(after_0)s, %(after_1)s)"
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            cursor.execute(
                f"EXPLAIN SELECT * FROM product WHERE {products.VISIBLE} AND {order.sql_after()}"
                f" ORDER BY {order.sql_order()} LIMIT 21",
                {"after_0": "10.00", "after_1": "01a20e20-4e2e-7219-94da-5333c255456c"},
            )
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Index Scan using product_by_price" in plan
        assert "Index Cond: ((ROW(price, id) > ROW(" in plan
        assert "Sort" not in plan
