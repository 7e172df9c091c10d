"""The tree of categories."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from apps.catalog_service import conf
from apps.catalog_service.models import Category
from chassis.models import AuditEntry
from tests.catalog_service.factories import CATEGORIES, PRODUCTS, category, product
from tests.catalog_service.problems import blamed, pointers, problem_of

pytestmark = pytest.mark.django_db

WRONG_NAMES: list[Any] = ["", " ", None, 7, "N" * 101]
WRONG_SLUGS: list[Any] = ["", None, 7, "a b", "S" * 101]
WRONG_PARENTS: list[Any] = ["", 7, "a b", []]


def path(slug: str) -> str:
    return f"{CATEGORIES}/{slug}"


def paths() -> dict[str, str]:
    return {row.slug: str(row.path) for row in Category.objects.all()}


@pytest.fixture
def tree() -> None:
    category("Home")
    category("Lighting", parent="home")
    category("Bulbs", parent="lighting")
    category("Desks", parent="home")
    category("Garden")


class TestTree:
    def test_nests_categories_by_name(self, api, tree, django_assert_num_queries):
        with django_assert_num_queries(1):
            response = api.get(CATEGORIES)
        bulbs = {"slug": "bulbs", "name": "Bulbs", "children": []}
        assert response.json() == {
            "results": [
                {"slug": "garden", "name": "Garden", "children": []},
                {
                    "slug": "home",
                    "name": "Home",
                    "children": [
                        {"slug": "desks", "name": "Desks", "children": []},
                        {"slug": "lighting", "name": "Lighting", "children": [bulbs]},
                    ],
                },
            ]
        }

    def test_is_empty_at_first(self, api):
        assert api.get(CATEGORIES).json() == {"results": []}


class TestRead:
    def test_shows_what_is_above_and_below(self, api, tree):
        assert api.get(path("home")).json() == {
            "slug": "home",
            "name": "Home",
            "parent": None,
            "ancestors": [],
            "children": [
                {"slug": "desks", "name": "Desks"},
                {"slug": "lighting", "name": "Lighting"},
            ],
        }
        assert api.get(path("bulbs")).json() == {
            "slug": "bulbs",
            "name": "Bulbs",
            "parent": "lighting",
            "ancestors": [
                {"slug": "home", "name": "Home"},
                {"slug": "lighting", "name": "Lighting"},
            ],
            "children": [],
        }

    @pytest.mark.parametrize("slug", ["home", "bulbs"])
    def test_asks_as_often_for_any(self, api, tree, slug, django_assert_num_queries):
        with django_assert_num_queries(3):
            api.get(path(slug))

    def test_of_another_is_404(self, api):
        problem_of(api.get(path("none")), 404, "not-found")


class TestCreate:
    def test_answers_the_category(self, as_staff, tree):
        response = as_staff.post(CATEGORIES, {"name": "Sofas & more", "parent": "home"})
        assert response.status_code == 201
        assert response["Location"] == path("sofas-more")
        assert response.json() == {
            "slug": "sofas-more",
            "name": "Sofas & more",
            "parent": "home",
            "ancestors": [{"slug": "home", "name": "Home"}],
            "children": [],
        }

    def test_takes_null_for_the_top(self, as_staff):
        made = as_staff.post(CATEGORIES, {"name": "Home", "slug": "h", "parent": None}).json()
        assert (made["slug"], made["parent"]) == ("h", None)

    def test_refuses_a_slug_that_is_taken(self, as_staff, tree):
        answer = as_staff.post(CATEGORIES, {"name": "Home"})
        assert blamed(problem_of(answer, 409, "slug-taken")) == ["#/slug"]

    def test_refuses_an_unknown_parent(self, as_staff):
        response = as_staff.post(CATEGORIES, {"name": "Home", "parent": "none"})
        assert blamed(problem_of(response, 422, "unknown-category")) == ["#/parent"]

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "#/name"),
            *[({"name": value}, "#/name") for value in WRONG_NAMES],
            *[({"name": "A", "slug": value}, "#/slug") for value in WRONG_SLUGS],
            *[({"name": "A", "parent": value}, "#/parent") for value in WRONG_PARENTS],
        ],
    )
    def test_points_at_a_field_that_is_wrong(self, as_staff, body, pointer):
        assert pointers(as_staff.post(CATEGORIES, body)) == [pointer]


class TestChange:
    def test_renames(self, as_staff, tree):
        changed = as_staff.patch(path("home"), {"name": "House", "slug": "house"}).json()
        assert (changed["name"], changed["slug"], len(changed["children"])) == ("House", "house", 2)

    def test_moves(self, as_staff, tree):
        assert as_staff.patch(path("lighting"), {"parent": "garden"}).json()["parent"] == "garden"
        assert as_staff.patch(path("lighting"), {"parent": None}).json()["parent"] is None
        assert as_staff.patch(path("lighting"), {"name": "Light"}).json()["parent"] is None

    @pytest.mark.parametrize("parent", ["home", "lighting", "bulbs"])
    def test_refuses_a_cycle(self, as_staff, tree, parent):
        answer = as_staff.patch(path("home"), {"parent": parent})
        assert blamed(problem_of(answer, 409, "category-cycle")) == ["#/parent"]
        assert Category.objects.get(slug="home").parent is None

    def test_takes_along_what_stands_below(self, api, as_staff, tree):
        product(sku="A", category="bulbs")
        as_staff.patch(path("lighting"), {"parent": "garden"})
        above = [row["slug"] for row in api.get(path("bulbs")).json()["ancestors"]]
        assert above == ["garden", "lighting"]
        for slug, skus in {"garden": ["A"], "lighting": ["A"], "home": []}.items():
            found = api.get(PRODUCTS, {"category": slug}).json()["results"]
            assert [row["sku"] for row in found] == skus

    def test_keeps_the_paths_that_names_have_nothing_to_do_with(self, as_staff, tree):
        before = paths()
        as_staff.patch(path("home"), {"name": "House", "slug": "house", "parent": None})
        after = paths()
        assert after.pop("house") == before.pop("home")
        assert after == before

    def test_by_the_release_before_keeps_paths_too(self, tree):
        """It knows of no paths, and writes every column of a category."""
        bulbs = Category.objects.get(slug="bulbs")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE category SET name = name, slug = slug, parent_id = "
                "(SELECT id FROM category WHERE slug = 'garden') WHERE slug = 'lighting'"
            )
        chain = [Category.objects.get(slug=slug).id.hex for slug in ("garden", "lighting")]
        assert paths()["bulbs"] == ".".join([*chain, bulbs.id.hex])

    def test_below_itself_is_refused_by_the_database_too(self, tree):
        home, bulbs = (Category.objects.get(slug=slug) for slug in ("home", "bulbs"))
        with pytest.raises(IntegrityError, match="below itself"), transaction.atomic():
            Category.objects.filter(pk=home.pk).update(parent=bulbs)
        with pytest.raises(IntegrityError, match="below itself"), transaction.atomic():
            Category.objects.filter(pk=home.pk).update(parent=home)

    def test_refuses_too_many_levels(self, as_staff, tree, monkeypatch):
        monkeypatch.setattr(conf, "MOST_CATEGORY_LEVELS", 3)
        body = {"name": "Candles", "parent": "bulbs"}
        problem_of(as_staff.post(CATEGORIES, body), 409, "category-too-deep")
        assert as_staff.post(CATEGORIES, {**body, "parent": "desks"}).status_code == 201
        # Home and the two levels below it would make four below Garden.
        answer = as_staff.patch(path("home"), {"parent": "garden"})
        assert blamed(problem_of(answer, 409, "category-too-deep")) == ["#/parent"]
        assert as_staff.patch(path("lighting"), {"parent": "garden"}).status_code == 200

    def test_refuses_what_does_not_exist(self, as_staff, tree):
        problem_of(as_staff.patch(path("home"), {"parent": "none"}), 422, "unknown-category")
        problem_of(as_staff.patch(path("home"), {"slug": "garden"}), 409, "slug-taken")
        problem_of(as_staff.patch(path("none"), {"name": "A"}), 404, "not-found")

    @pytest.mark.parametrize("field", ["name", "slug"])
    def test_to_null_is_refused(self, as_staff, tree, field):
        assert pointers(as_staff.patch(path("home"), {field: None})) == [f"#/{field}"]


class TestDelete:
    def test_takes_an_empty_category_away(self, as_staff, tree):
        response = as_staff.delete(path("bulbs"))
        assert (response.status_code, response.content) == (204, b"")
        problem_of(as_staff.delete(path("bulbs")), 404, "not-found")

    def test_refuses_one_in_use(self, as_staff, tree):
        product(category="garden", status="archived")
        for slug in ("home", "garden"):
            problem_of(as_staff.delete(path(slug)), 409, "category-in-use")
            assert Category.objects.filter(slug=slug).exists()


class TestAudit:
    def entries(self) -> list[tuple[str, Any, Any]]:
        rows = AuditEntry.objects.order_by("id")
        return [(row.action, row.actor_id, row.details) for row in rows]

    def test_tells_who_did_what(self, as_staff):
        as_staff.post(CATEGORIES, {"name": "Home"})
        as_staff.patch(path("home"), {"name": "House"})
        as_staff.patch(path("home"), {"name": "House"})  # changes nothing
        as_staff.delete(path("home"))
        assert self.entries() == [
            ("category.created", as_staff.user_id, {"name": "Home", "slug": "home"}),
            ("category.changed", as_staff.user_id, {"name": ["Home", "House"]}),
            ("category.deleted", as_staff.user_id, {"name": "House", "slug": "home"}),
        ]

    def test_tells_nothing_of_what_is_refused(self, as_staff, tree):
        as_staff.delete(path("home"))
        as_staff.patch(path("home"), {"parent": "bulbs"})
        assert self.entries() == []


class TestAccess:
    def written(self, client: Any) -> list[Any]:
        return [
            client.post(CATEGORIES, {"name": "New"}),
            client.patch(path("home"), {"name": "New"}),
            client.delete(path("desks")),
        ]

    def test_is_for_staff(self, api, as_customer, as_staff, tree):
        for response in self.written(api):
            problem_of(response, 401, "authentication-required")
        for response in self.written(as_customer):
            problem_of(response, 403, "permission-denied")
        assert [response.status_code for response in self.written(as_staff)] == [201, 200, 204]
