"""Categories by name, and slugs."""

import pytest

from apps.catalog_service.models import Category, Product
from apps.catalog_service.services.importing import applying
from tests.catalog_service import factories
from tests.catalog_service.importing.running import (
    HEADER,
)

pytestmark = pytest.mark.django_db(transaction=True)


class TestCategories:
    def test_are_found_whatever_their_case_and_spaces(self, csv_file, run):
        factories.category("Home  Garden", slug="hg")
        rows = [
            "A,a,1,home garden",
            "B,b,1, HOME   GARDEN ",
            "C,c,1,hg",
            "D,d,1,ÄPFEL",
            "E,e,1,äpfel",
        ]
        run(csv_file(HEADER + "\n".join(rows)))
        assert sorted(Category.objects.values_list("slug", "name")) == [
            ("apfel", "ÄPFEL"),
            ("hg", "Home  Garden"),
        ]
        assert Product.objects.filter(category__slug="hg").count() == 3

    def test_of_other_names_stay_apart_with_the_same_slug(self, csv_file, run):
        rows = ["A,a,1,C", "B,b,1,C++", "C,c,1,C#", "D,d,1,茶", "E,e,1,本"]
        path = csv_file(HEADER + "\n".join(rows))
        run(path)
        assert sorted(Category.objects.values_list("name", "slug")) == [
            *(("C", "c"), ("C#", "c-2"), ("C++", "c-3")),
            *(("本", "category"), ("茶", "category-2")),
        ]
        assert run(path).summary == "0 created, 0 updated, 5 unchanged, 0 bad"
        assert Category.objects.count() == 5

    def test_of_one_name_must_be_told_apart_by_slug(self, csv_file, run):
        factories.category("Shoes", slug="men-shoes")
        factories.category("Shoes", slug="women-shoes")
        out, err = run(csv_file(f"{HEADER}A,a,1,shoes\nB,b,1,women-shoes\n"))
        assert out == ["1 created, 0 updated, 0 unchanged, 1 bad"]
        assert err == [
            "row 2: category shoes is the name of several: give one's slug, of men-shoes, women-shoes"
        ]

    def test_are_not_made_for_bad_rows(self, csv_file, run):
        run(csv_file(f"{HEADER}A,a,x,Only bad\nB,b,1,Good\n"))
        assert [category.name for category in Category.objects.all()] == ["Good"]


class TestSlugs:
    def test_are_no_path_of_the_list(self, csv_file, run):
        header = HEADER.replace("\n", ",slug\n")
        outcome = run(csv_file(f"{header}A,Suggest,1,c,\nB,b,1,c,suggest\n"))
        assert outcome.summary == "1 created, 0 updated, 0 unchanged, 1 bad"
        assert outcome.err == ["row 3: slug suggest belongs to another product"]
        assert Product.objects.get().slug == "suggest-a"

    def test_are_unique(self, csv_file, run):
        factories.product(sku="X", name="Tea pot")
        rows = [
            "A.1,Tea pot,1,c",
            "A-1,Tea pot,1,c",
            "A:1,Tea pot,1,c",
            "A1,Tea pot,1,c",
            "Z,茶,1,c",
        ]
        path = csv_file(HEADER + "\n".join(rows))
        assert run(path).summary == "5 created, 0 updated, 0 unchanged, 0 bad"
        slugs = dict(Product.objects.values_list("sku", "slug"))
        assert slugs["X"] == "tea-pot"
        assert slugs["A-1"] == "tea-pot-a-1"
        assert slugs["A.1"] == "tea-pot-a1"
        assert slugs["Z"] == "z"
        assert len(set(slugs.values())) == 6
        run(csv_file(HEADER + "\n".join(rows).replace("Tea pot", "Kettle")))
        assert dict(Product.objects.values_list("sku", "slug")) == slugs

    def test_of_a_long_name_and_sku_fit(self, csv_file, run):
        sku = "x" * 64
        rows = "".join(f"{s},{'y' * 200},1,c\n" for s in ("a", sku, sku.upper()))
        assert run(csv_file(HEADER + rows)).summary == "3 created, 0 updated, 0 unchanged, 0 bad"
        assert max(len(slug) for slug in Product.objects.values_list("slug", flat=True)) <= 120

    def test_asked_for_and_taken_make_a_bad_row(self, csv_file, run):
        factories.product(sku="X", slug="pot")
        path = csv_file(
            f"slug,{HEADER}pot,A,Pot,1,c\nnew,B,Pot,1,c\nnew,C,Pot,1,c\nother,X,Pot,1,c\n"
        )
        out, err = run(path)
        assert out == ["1 created, 1 updated, 0 unchanged, 2 bad"]
        assert err == [
            "row 2: slug pot belongs to another product",
            "row 4: slug new belongs to another product",
        ]
        assert dict(Product.objects.values_list("sku", "slug")) == {"X": "pot", "B": "new"}

    def test_of_a_name_leave_a_slug_to_the_row_that_asks_for_it(self, csv_file, run, monkeypatch):
        monkeypatch.setattr(applying, "BATCH", 1)
        run(csv_file(f"slug,{HEADER},A,Pot,1,c\npot,B,Other,1,c\n"))
        assert dict(Product.objects.values_list("sku", "slug")) == {"A": "pot-a", "B": "pot"}
