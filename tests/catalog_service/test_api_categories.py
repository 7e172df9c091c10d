"""The tree of categories."""

from typing import Any

import pytest

from apps.catalog_service.models import Category
from tests.catalog_service.factories import CATEGORIES, category, product
from tests.catalog_service.problems import pointers, problem_of

pytestmark = pytest.mark.django_db

WRONG_NAMES: list[Any] = ["", " ", None, 7, "N" * 101]
WRONG_SLUGS: list[Any] = ["", None, 7, "a b", "S" * 101]
WRONG_PARENTS: list[Any] = ["", 7, "a b", []]


def path(slug: str) -> str:
    return f"{CATEGORIES}/{slug}"


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
            "children": [
                {"slug": "desks", "name": "Desks"},
                {"slug": "lighting", "name": "Lighting"},
            ],
        }
        assert api.get(path("bulbs")).json()["parent"] == "lighting"

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
            "children": [],
        }

    def test_takes_null_for_the_top(self, as_staff):
        made = as_staff.post(CATEGORIES, {"name": "Home", "slug": "h", "parent": None}).json()
        assert (made["slug"], made["parent"]) == ("h", None)

    def test_refuses_a_slug_that_is_taken(self, as_staff, tree):
        problem_of(as_staff.post(CATEGORIES, {"name": "Home"}), 409, "slug-taken")

    def test_refuses_an_unknown_parent(self, as_staff):
        response = as_staff.post(CATEGORIES, {"name": "Home", "parent": "none"})
        problem_of(response, 422, "unknown-category")

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
        problem_of(as_staff.patch(path("home"), {"parent": parent}), 409, "category-cycle")
        assert Category.objects.get(slug="home").parent is None

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
