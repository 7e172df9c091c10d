"""One product: read by everyone, written by staff."""

from decimal import Decimal
from typing import Any

import pytest

from apps.catalog_service.models import Product, Stock
from apps.catalog_service.serializers.products import ProductOutput
from chassis.models import AuditEntry
from tests.catalog_service.factories import PRODUCTS, category, product, product_body, reserve
from tests.catalog_service.problems import blamed, pointers, problem_of

pytestmark = pytest.mark.django_db

WRONG: dict[str, list[Any]] = {
    "sku": ["", " ", None, 7, "a b", "a/b", "-a", "é", "S" * 65, "a\nb", []],
    "name": ["", "  ", None, 7, "N" * 201, {}],
    "category": ["", None, 7, "a b", []],
    "price": [19.9, 19, None, "", "-1", "1.234", "1e3", "NaN", "9" * 11, "\u0661", True],
    "currency": ["USD", "eur", "", None, 7],
    "status": ["lost", "", None, 7, [], "ACTIVE"],
    "description": [None, 7, "D" * 20_001],
    "attributes": [None, [], "{}", 7, True],
    "slug": ["", None, 7, "a b", "S" * 121, "é"],
    "image_url": [
        None,
        7,
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil",
        "x.png",
        "/media/../x.png",
    ],
}


@pytest.fixture(autouse=True)
def _lighting():
    category("Lighting")


def path(slug: str) -> str:
    return f"{PRODUCTS}/{slug}"


class TestRead:
    def test_shows_the_product(self, api):
        made = product(
            12,
            sku="LAMP-1",
            name="Desk lamp",
            price=Decimal("19.90"),
            description="Bright",
            attributes={"watt": 9},
            image_url="/media/catalog/lamp.svg",
        )
        answer = api.get(path("desk-lamp")).json()
        assert answer.pop("created_at").endswith("Z")
        assert answer.pop("updated_at").endswith("Z")
        assert answer == {
            "id": str(made.id),
            "sku": "LAMP-1",
            "name": "Desk lamp",
            "slug": "desk-lamp",
            "description": "Bright",
            "category": "lighting",
            "price": "19.90",
            "currency": "EUR",
            "image_url": "/media/catalog/lamp.svg",
            "attributes": {"watt": 9},
            "status": "active",
            "in_stock": True,
            "available": 10,
        }

    @pytest.mark.parametrize("status", ["draft", "archived"])
    def test_hides_what_is_not_for_sale(self, api, as_customer, as_staff, as_admin, status):
        made = product(status=status)
        for client in (api, as_customer):
            response = client.get(path(made.slug))
            problem_of(response, 404, "not-found")
            assert "Authorization" in response["Vary"]
        for client in (as_staff, as_admin):
            assert client.get(path(made.slug)).json()["status"] == status

    @pytest.mark.parametrize("slug", ["none", "a.b", "%00", "..", "%F0%9F%92%A1", "a" * 5000])
    def test_of_another_is_404(self, api, slug):
        problem_of(api.get(path(slug)), 404, "not-found")

    def test_costs_two_queries_and_one_while_nothing_changes(self, api, django_assert_num_queries):
        made = product()
        for queries in (2, 1):
            with django_assert_num_queries(queries):
                api.get(path(made.slug))

    def test_answers_304_until_something_changes(self, api, as_staff, order):
        made = product(5)
        url = path(made.slug)
        first = api.get(url)
        etag = first["ETag"]
        assert (first["Cache-Control"], first["Vary"]) == ("public, no-cache", "Authorization")
        for offered in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            response = api.get(url, headers={"If-None-Match": offered})
            assert (response.status_code, response.content) == (304, b"")
            assert response["ETag"] == etag
        for offered in ('"other"', etag.strip('"'), "", "nonsense", "\u0161"):
            assert api.get(url, headers={"If-None-Match": offered}).status_code == 200
        reserve(order, (made.sku, 1))
        changed = api.get(url, headers={"If-None-Match": etag})
        assert changed.status_code == 200
        as_staff.patch(url, {"price": "11.00"})
        other = api.get(url, headers={"If-None-Match": changed["ETag"]})
        assert (other.status_code, other.json()["price"]) == (200, "11.00")

    def test_has_another_etag_for_staff(self, api, as_staff):
        made = product(5)
        assert api.get(path(made.slug))["ETag"] != as_staff.get(path(made.slug))["ETag"]

    def test_answers_head(self, api):
        response = api.head(path(product().slug))
        assert (response.status_code, response.content) == (200, b"")


class TestDocument:
    def test_describes_what_is_answered(self, api, as_staff):
        made = product()
        fields = set(ProductOutput().fields)
        assert set(as_staff.get(path(made.slug)).json()) == fields
        assert set(api.get(path(made.slug)).json()) == fields - {"stock"}


class TestCreate:
    def test_makes_a_product_without_stock(self, as_staff, api, outbox_events):
        response = as_staff.post(
            PRODUCTS, product_body(description="Bright", attributes={"watt": 9}, status="active")
        )
        assert response.status_code == 201
        made = response.json()
        assert response["Location"] == path("desk-lamp")
        assert made["stock"] == {"on_hand": 0, "reserved": 0, "available": 0}
        assert api.get(path("desk-lamp")).json()["id"] == made["id"]
        (event,) = outbox_events()
        assert (event.type, event.subject) == ("product.created", made["id"])
        assert event.data == {
            "product_id": made["id"],
            "sku": "LAMP-1",
            "slug": "desk-lamp",
            "name": "Desk lamp",
            "price": "19.90",
            "currency": "EUR",
            "status": "active",
        }

    def test_needs_few_fields(self, as_staff):
        body = product_body(price="5")
        del body["currency"]
        made = as_staff.post(PRODUCTS, body).json()
        assert (made["price"], made["currency"], made["status"]) == ("5.00", "EUR", "active")
        assert (made["description"], made["attributes"], made["image_url"]) == ("", {}, "")

    def test_ignores_unknown_fields(self, as_staff):
        body = product_body(id="1", created_at="x", stock={"on_hand": 9}, search="x", on_hand=9)
        made = as_staff.post(PRODUCTS, body).json()
        assert made["id"] != "1"
        assert made["stock"]["on_hand"] == 0

    @pytest.mark.parametrize(
        ("field", "value"),
        [(field, value) for field, values in WRONG.items() for value in values],
    )
    def test_points_at_a_field_that_is_wrong(self, as_staff, field, value):
        assert pointers(as_staff.post(PRODUCTS, product_body(**{field: value}))) == [f"#/{field}"]
        assert not Product.objects.exists()

    def test_points_at_each_field_that_is_missing(self, as_staff):
        assert pointers(as_staff.post(PRODUCTS, {})) == ["#/sku", "#/name", "#/category", "#/price"]

    @pytest.mark.parametrize("body", [[], 1, "text", True])
    def test_takes_an_object(self, as_staff, body):
        problem_of(as_staff.post(PRODUCTS, body), 400, "validation-failed")

    def test_takes_json_only(self, as_staff):
        response = as_staff.generic("POST", PRODUCTS, "a=1", content_type="text/plain")
        problem_of(response, 415, "unsupported-media-type")

    def test_refuses_an_unknown_category(self, as_staff, outbox_events):
        response = as_staff.post(PRODUCTS, product_body(category="none"))
        assert blamed(problem_of(response, 422, "unknown-category")) == ["#/category"]
        assert not outbox_events()

    def test_refuses_a_sku_that_is_taken(self, as_staff, outbox_events):
        as_staff.post(PRODUCTS, product_body())
        response = as_staff.post(PRODUCTS, product_body(name="Other"))
        assert blamed(problem_of(response, 409, "sku-taken")) == ["#/sku"]
        assert Product.objects.count() == Stock.objects.count() == len(outbox_events()) == 1

    def test_refuses_a_slug_that_is_taken(self, as_staff):
        as_staff.post(PRODUCTS, product_body())
        response = as_staff.post(PRODUCTS, product_body(sku="LAMP-2", slug="desk-lamp"))
        assert blamed(problem_of(response, 409, "slug-taken")) == ["#/slug"]


class TestAttributes:
    @pytest.mark.parametrize(
        "attributes",
        [
            {},
            {"": {"a": [1, {"b": [None, True]}]}},
            {"n": 10**29},
            {"n": 0.1},
            {"é": "💡\n"},
        ],
    )
    def test_come_back_as_they_were_given(self, as_staff, api, attributes):
        assert as_staff.post(PRODUCTS, product_body(attributes=attributes)).status_code == 201
        assert api.get(path("desk-lamp")).json()["attributes"] == attributes
        assert api.get(PRODUCTS).status_code == 200

    @pytest.mark.parametrize("number", [1e308, 5e-324, -1e308, 10**30, [{"a": 1e30}]])
    def test_hold_no_number_that_is_long_when_written_out(self, as_staff, number):
        response = as_staff.post(PRODUCTS, product_body(attributes={"n": number}))
        assert pointers(response) == ["#/attributes"]

    @pytest.mark.parametrize("number", [9.9e29, 1e-29, -1e29])
    def test_may_hold_large_numbers(self, as_staff, api, number):
        assert as_staff.post(PRODUCTS, product_body(attributes={"n": number})).status_code == 201
        assert float(api.get(path("desk-lamp")).json()["attributes"]["n"]) == number

    @pytest.mark.parametrize("depth", [6, 500])
    def test_are_not_nested_deep(self, as_staff, depth):
        value: Any = 1
        for _ in range(depth):
            value = [value]
        response = as_staff.post(PRODUCTS, product_body(attributes={"a": value}))
        assert pointers(response) == ["#/attributes"]

    def test_are_not_long(self, as_staff):
        response = as_staff.post(PRODUCTS, product_body(attributes={"a": "x" * 20_000}))
        assert pointers(response) == ["#/attributes"]


class TestSlug:
    def made(self, client: Any, **changes: Any) -> str:
        slug: str = client.post(PRODUCTS, product_body(**changes)).json()["slug"]
        return slug

    def test_is_made_of_the_name(self, as_staff):
        assert self.made(as_staff, name="Café & Crème: 2nd Ed.") == "cafe-creme-2nd-ed"

    def test_is_made_of_the_sku_where_the_name_gives_none(self, as_staff):
        assert self.made(as_staff, name="灯", sku="LAMP:1") == "lamp1"

    def test_is_made_of_both_where_the_name_is_taken(self, as_staff):
        assert self.made(as_staff, sku="A.1") == "desk-lamp"
        assert self.made(as_staff, sku="B.1") == "desk-lamp-b1"
        third = self.made(as_staff, sku="B1")
        assert third.startswith("desk-lamp-")
        assert third != "desk-lamp-b1"

    def test_fits_whatever_the_name_and_sku(self, as_staff):
        slugs = [
            self.made(as_staff, name="n" * 200, sku=sku)
            for sku in ("A" * 64, "B" * 64, "B" * 62 + ".B", "1." + "B" * 62, "1" + "B" * 62)
        ]
        assert len(set(slugs)) == 5
        assert max(map(len, slugs)) <= 120
        assert all(as_staff.get(path(slug)).status_code == 200 for slug in slugs)

    def test_may_be_given(self, as_staff):
        assert self.made(as_staff, slug="the-lamp") == "the-lamp"

    def test_is_no_path_of_the_list(self, as_staff):
        problem_of(as_staff.post(PRODUCTS, product_body(slug="suggest")), 409, "slug-taken")
        assert self.made(as_staff, name="Suggest") == "suggest-lamp-1"
        response = as_staff.patch(path("suggest-lamp-1"), {"slug": "suggest"})
        problem_of(response, 409, "slug-taken")


class TestChange:
    @pytest.fixture
    def lamp(self) -> Product:
        return product(5, sku="LAMP", name="Lamp", price=Decimal("19.90"), attributes={"watt": 1})

    @pytest.fixture
    def told(self, outbox_events, lamp):
        """Return a function that lists what was published after the product was made."""
        return lambda: [(e.type, e.data) for e in outbox_events(lamp.id)[1:]]

    def test_of_a_price_tells_both_prices(self, as_staff, lamp, told):
        response = as_staff.patch(path("lamp"), {"price": "20"})
        assert (response.status_code, response.json()["price"]) == (200, "20.00")
        assert told() == [
            (
                "product.price_changed",
                {
                    "product_id": str(lamp.id),
                    "sku": "LAMP",
                    "old_price": "19.90",
                    "new_price": "20.00",
                    "currency": "EUR",
                },
            )
        ]

    def test_of_other_fields_tells_once(self, as_staff, lamp, told):
        category("Garden")
        body = {"name": "New", "slug": "new", "category": "garden", "attributes": {"watt": 2}}
        changed = as_staff.patch(path("lamp"), body).json()
        assert {name: changed[name] for name in body} == body
        assert changed["updated_at"] > changed["created_at"]
        assert told() == [
            (
                "product.updated",
                {
                    "product_id": str(lamp.id),
                    "sku": "LAMP",
                    "slug": "new",
                    "name": "New",
                    "status": "active",
                },
            )
        ]
        problem_of(as_staff.get(path("lamp")), 404, "not-found")

    def test_of_both_tells_both(self, as_staff, lamp, told):
        as_staff.patch(path("lamp"), {"name": "New", "price": "1.00"})
        assert [name for name, _ in told()] == ["product.price_changed", "product.updated"]

    def test_of_the_status_may_archive_and_bring_back(self, as_staff, api, lamp, told):
        as_staff.patch(path("lamp"), {"status": "archived"})
        assert api.get(path("lamp")).status_code == 404
        as_staff.patch(path("lamp"), {"status": "active"})
        assert api.get(path("lamp")).status_code == 200
        assert [name for name, _ in told()] == ["product.archived", "product.updated"]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"price": "19.9"},
            {"name": "Lamp", "price": "19.90", "status": "active", "category": "lighting"},
            {"attributes": {"watt": 1}},
            {"sku": "LAMP", "id": "1", "stock": {"on_hand": 1}, "created_at": "x"},
        ],
    )
    def test_of_nothing_tells_nothing(self, as_staff, lamp, told, body):
        before = as_staff.get(path("lamp")).json()
        response = as_staff.patch(path("lamp"), body)
        assert (response.status_code, response.json()) == (200, before)
        assert told() == []

    @pytest.mark.parametrize("watt", [True, 1.0])
    def test_of_a_type_is_a_change(self, as_staff, lamp, told, watt):
        as_staff.patch(path("lamp"), {"attributes": {"watt": watt}})
        assert Product.objects.get().attributes["watt"] is watt or watt == 1.0
        assert len(told()) == 1

    @pytest.mark.parametrize(
        "field",
        ["name", "category", "price", "currency", "status", "description", "attributes", "slug"],
    )
    def test_to_null_is_refused(self, as_staff, lamp, told, field):
        assert pointers(as_staff.patch(path("lamp"), {field: None})) == [f"#/{field}"]
        assert told() == []

    @pytest.mark.parametrize("sku", ["OTHER", "lamp", "", None, 7])
    def test_of_the_sku_is_refused(self, as_staff, lamp, told, sku):
        response = as_staff.patch(path("lamp"), {"sku": sku, "price": "1.00"})
        assert pointers(response) == ["#/sku"]
        assert told() == []
        assert Product.objects.get().price == Decimal("19.90")

    def test_takes_what_was_read(self, as_staff, lamp, told):
        read = as_staff.get(path("lamp")).json()
        assert as_staff.patch(path("lamp"), {**read, "price": "1.00"}).status_code == 200
        assert [name for name, _ in told()] == ["product.price_changed"]

    def test_refuses_a_slug_that_is_taken(self, as_staff, lamp, told):
        other = product()
        response = as_staff.patch(path("lamp"), {"slug": other.slug, "price": "1.00"})
        problem_of(response, 409, "slug-taken")
        assert told() == []
        assert Product.objects.get(sku="LAMP").price == Decimal("19.90")

    def test_refuses_an_unknown_category(self, as_staff, lamp):
        response = as_staff.patch(path("lamp"), {"category": "none"})
        problem_of(response, 422, "unknown-category")

    def test_of_an_unknown_product_is_404(self, as_staff):
        problem_of(as_staff.patch(path("none"), {"price": "1"}), 404, "not-found")


class TestEditOfAnEarlierVersion:
    @pytest.fixture
    def lamp(self) -> Product:
        return product(5, sku="LAMP", name="Lamp")

    def test_is_refused_with_the_etag_of_now(self, as_staff, lamp):
        url = path("lamp")
        read = as_staff.get(url)["ETag"]
        first = as_staff.patch(url, {"name": "First"}, headers={"If-Match": read})
        assert (first.status_code, first["ETag"]) == (200, as_staff.get(url)["ETag"])
        etag = ""
        for send in (as_staff.patch, as_staff.delete):
            late = send(url, {"name": "Second"}, headers={"If-Match": read})
            problem_of(late, 412, "precondition-failed")
            etag = late["ETag"]
            assert etag == first["ETag"] != read
        second = as_staff.patch(url, {"name": "Second"}, headers={"If-Match": etag})
        assert second.json()["name"] == "Second"
        last = as_staff.delete(url, headers={"If-Match": second["ETag"]})
        assert last.status_code == 204

    def test_may_name_several_or_any(self, as_staff, lamp):
        url = path("lamp")
        etag = as_staff.get(url)["ETag"]
        for number, header in enumerate(('"other", {}', "*", ' {},, "a,b" ', "*")):
            body = {"description": f"Edit {number}"}
            values = {"If-Match": header.format(etag)}
            response = as_staff.patch(url, body, headers=values)
            assert response.status_code == 200, header
            etag = response["ETag"]

    @pytest.mark.parametrize("header", ["W/{}", '"99.00"', '"1x.00"', '"other"', '"\u0161"', '""'])
    def test_that_was_never_this_one_is_refused(self, as_staff, lamp, header):
        etag = as_staff.get(path("lamp"))["ETag"]
        values = {"If-Match": header.format(etag).encode().decode("latin-1")}
        response = as_staff.patch(path("lamp"), {"name": "New"}, headers=values)
        problem_of(response, 412, "precondition-failed")
        assert Product.objects.get().name == "Lamp"

    @pytest.mark.parametrize(
        "header", ["", " ", "1.00", '"1.00', "*, *", '"a" "b"', 'w/"a"', "null"]
    )
    def test_is_refused_where_it_names_no_etag(self, as_staff, lamp, header):
        for send in (as_staff.patch, as_staff.delete):
            response = send(path("lamp"), {"name": "New"}, headers={"If-Match": header})
            problem_of(response, 400, "if-match-malformed")

    def test_is_of_no_concern_to_what_customers_do(self, as_staff, order, lamp):
        etag = as_staff.get(path("lamp"))["ETag"]
        reserve(order, ("LAMP", 1))
        assert as_staff.get(path("lamp"))["ETag"] != etag
        response = as_staff.patch(path("lamp"), {"name": "New"}, headers={"If-Match": etag})
        assert response.status_code == 200

    def test_that_changes_nothing_makes_no_version(self, as_staff, lamp):
        etag = as_staff.get(path("lamp"))["ETag"]
        for _ in range(2):
            same = as_staff.patch(path("lamp"), {"name": "Lamp"}, headers={"If-Match": etag})
            assert (same.status_code, same["ETag"]) == (200, etag)

    def test_of_an_unknown_product_is_404(self, as_staff):
        response = as_staff.patch(path("none"), {"name": "New"}, headers={"If-Match": '"1.00"'})
        problem_of(response, 404, "not-found")


class TestAuditLog:
    def entries(self) -> list[Any]:
        return [(e.action, e.details) for e in AuditEntry.objects.order_by("id")]

    def test_tells_who_did_what_to_which_product(self, as_staff):
        made = as_staff.post(PRODUCTS, product_body()).json()
        url = path("desk-lamp")
        as_staff.patch(url, {"price": "21", "name": "Lamp", "category": "lighting"})
        as_staff.patch(url, {"price": "21.00"})
        as_staff.patch(url, {"status": "draft"})
        as_staff.delete(url)
        as_staff.delete(url)
        assert self.entries() == [
            ("product.created", {"sku": "LAMP-1", "price": "19.90"}),
            (
                "product.changed",
                {"fields": ["name", "price"], "price": {"old": "19.90", "new": "21.00"}},
            ),
            (
                "product.changed",
                {"fields": ["status"], "status": {"old": "active", "new": "draft"}},
            ),
            (
                "product.archived",
                {"fields": ["status"], "status": {"old": "draft", "new": "archived"}},
            ),
        ]
        entries = AuditEntry.objects.all()
        assert {(e.target_type, e.target_id, e.actor_id) for e in entries} == {
            ("product", made["id"], as_staff.user_id)
        }

    def test_says_nothing_of_what_failed_or_what_machines_did(self, as_staff):
        made = product()
        as_staff.patch(path(made.slug), {"name": "New", "category": "none"})
        as_staff.post(PRODUCTS, product_body(sku=made.sku))
        assert self.entries() == []


class TestArchive:
    def test_takes_it_off_sale_once(self, as_staff, api, outbox_events):
        made = product(5)
        for _ in range(2):
            response = as_staff.delete(path(made.slug))
            assert (response.status_code, response.content) == (204, b"")
        assert api.get(path(made.slug)).status_code == 404
        assert as_staff.get(path(made.slug)).json()["status"] == "archived"
        events = outbox_events(made.id)[1:]
        assert [(event.type, event.data) for event in events] == [
            ("product.archived", {"product_id": str(made.id), "sku": made.sku})
        ]

    def test_of_an_unknown_product_is_404(self, as_staff):
        problem_of(as_staff.delete(path("none")), 404, "not-found")


class TestAccess:
    def written(self, client: Any) -> list[Any]:
        url = path(product().slug)
        return [
            client.post(PRODUCTS, product_body()),
            client.patch(url, {"price": "1.00"}),
            client.delete(url),
            client.get(f"{url}/stock"),
            client.post(f"{url}/stock/adjustments", {"quantity": 1, "reason": "found"}),
        ]

    def test_needs_a_token(self, api):
        for response in self.written(api):
            problem_of(response, 401, "authentication-required")

    def test_needs_staff(self, as_customer):
        for response in self.written(as_customer):
            problem_of(response, 403, "permission-denied")
        assert set(Product.objects.values_list("status", "price")) == {("active", Decimal(10))}

    def test_is_not_had_by_a_service(self, order):
        for response in self.written(order):
            problem_of(response, 401, "token-invalid")

    def test_is_had_by_staff_and_admin(self, as_staff, as_admin):
        for client in (as_staff, as_admin):
            statuses = [response.status_code for response in self.written(client)]
            assert statuses == [201, 200, 204, 200, 201]
            Product.objects.filter(sku="LAMP-1").update(sku=f"OLD-{client.user_id}")

    def test_to_other_methods_is_405(self, as_staff):
        made = product()
        problem_of(as_staff.put(path(made.slug), {}), 405, "method-not-allowed")
        problem_of(as_staff.delete(PRODUCTS), 405, "method-not-allowed")
