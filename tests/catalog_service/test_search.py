"""Search: words as they are meant, what they find, and what is suggested."""

import io
from decimal import Decimal
from math import inf
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.catalog_service.models import Product, SearchWord
from apps.catalog_service.selectors import search as selectors
from apps.catalog_service.selectors.listing import SORTS
from apps.catalog_service.services import search
from tests.catalog_service.factories import PRODUCTS, category, product
from tests.catalog_service.problems import pointers

pytestmark = pytest.mark.django_db

SUGGEST = f"{PRODUCTS}/suggest"

# What people make of the names of our demo catalogue.
TYPOS = {
    "lanturn": "lantern",
    "lantren": "lantern",
    "teepot": "teapot",
    "teapott": "teapot",
    "tumeric": "turmeric",
    "cinammon": "cinnamon",
    "cardamon": "cardamom",
    "safron": "saffron",
    "pashmena": "pashmina",
    "mosiac": "mosaic",
    "cushon": "cushion",
    "leathr": "leather",
    "notebok": "notebook",
    "ceremic": "ceramic",
    "backlava": "baklava",
    "pistacio": "pistachio",
    "carpt": "carpet",
}


def meant(q: str) -> str:
    return selectors.read(q, is_staff=False).tsquery


def found(client: Any, q: str, **parameters: Any) -> list[str]:
    return [row["sku"] for row in client.get(PRODUCTS, {"q": q, **parameters}).json()["results"]]


def suggested(client: Any, q: str, **parameters: Any) -> list[tuple[str, str]]:
    results = client.get(SUGGEST, {"q": q, **parameters}).json()["results"]
    return [(row["kind"], row["text"]) for row in results]


class TestRead:
    @pytest.fixture(autouse=True)
    def words(self) -> None:
        names = ["Brass desk lamp", "Lampshade", "Oak bench", "Crème brûlée dish", "T-shirt"]
        search.learn_texts(names=names, descriptions=["A comfortable seat"])

    def test_keeps_words_that_products_have(self):
        assert meant("Desk LAMPS") == "'desk' & 'lamp'"
        assert meant("comfortable") == "'comfort'"

    def test_completes_what_is_half_typed(self):
        assert meant("lam") == "'lamp' | 'lampshad'"
        assert meant("des lam") == "'desk' & ( 'lamp' | 'lampshad' )"

    def test_replaces_what_is_misspelt(self):
        assert meant("bennch") == "'bench'"
        assert meant("oak lapm") == "'oak' & 'lamp'"

    def test_takes_names_alone_for_another_word(self):
        assert meant("comfortible") == "'comfort'"  # its own stem
        assert meant("comfurt") == "'comfurt'"

    def test_leaves_accents_out(self):
        assert meant("creme brulee") == meant("CRÈME BRÛLÉE") == "'creme' & 'brule'"

    def test_leaves_quoted_and_excluded_words_as_they_are(self):
        assert meant('"desk lapm"') == "'desk' <-> 'lapm'"
        assert meant("desk -lapm") == "'desk' & !'lapm'"
        assert meant("lamp or bennch") == "'lamp' | 'bench'"

    def test_leaves_a_word_that_is_like_none(self):
        assert meant("xyzzy") == "'xyzzi'"

    def test_asks_once(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            meant("lapm des bennch oak")

    @pytest.mark.parametrize("q", ["t-shirt", "a4", "12.5", "x@y.org", "/a/b", "lapm's", "O'Brien"])
    def test_takes_what_is_no_plain_word(self, q):
        assert meant(q)

    @pytest.mark.parametrize("q", ["", "the", "-", '"', "& | ! <-> :*", "\\", "'"])
    def test_means_nothing_by_what_has_no_words(self, q):
        assert meant(q) == ""


class TestSearch:
    def test_forgives_usual_misspellings(self):
        search.learn_texts(names=[*TYPOS.values(), "Walnut desk", "Brass tray"], descriptions=[])
        assert [typo for typo, word in TYPOS.items() if meant(word) not in meant(typo)] == []

    def test_reads_attributes(self, api):
        product(sku="A", name="Chair", attributes={"color": "turquoise", "tags": ["folding"]})
        assert found(api, "turquoise") == found(api, "folding chair") == ["A"]

    def test_knows_words_without_their_accents(self, api):
        product(sku="A", name="Café crème")
        assert found(api, "cafe CREME") == found(api, "café") == ["A"]

    def test_finds_by_sku(self, api):
        product(sku="LAMP-1.5/B", name="Chair")
        product(sku="B", name="Table")
        assert found(api, "lamp-1.5/b") == found(api, "LAMP-1.5/B") == ["LAMP-1.5/B"]
        assert found(api, "lamp-1.5/b", sort="price") == ["LAMP-1.5/B"]

    def test_finds_by_the_beginning_of_a_sku(self, api, django_assert_num_queries):
        for sku in ("DEMO-LA", "DEMO-LAMP", "DEMO-lx", "DEMO"):
            product(sku=sku, name="Chair")
        product(sku="DRAFT-LA", name="Chair", status="draft")
        product(sku="B", name="Demo-l radio")
        assert found(api, "demo-la") == ["DEMO-LA"]  # it is one
        assert found(api, "DEMO-L") == ["B", "DEMO-LAMP", "DEMO-LA"]
        assert found(api, "demo-l", sort="price", max_price=99, limit=1) == ["DEMO-LA"]
        assert found(api, "DEMO-l") == ["B", "DEMO-lx", "DEMO-LAMP", "DEMO-LA"]
        assert found(api, "DRAFT-L") == []
        assert ("product", "Chair") in suggested(api, "DEMO-L")

    def test_lets_no_product_that_is_hidden_stand_before_one_that_is_not(
        self, api, as_staff, monkeypatch
    ):
        monkeypatch.setattr(selectors, "_SKUS_BEGUN", selectors._SKUS_BEGUN.replace("100", "1"))
        product(sku="DEMO-1", name="Chair", status="archived")
        product(sku="DEMO-10", name="Chair")
        assert found(api, "demo-1") == found(api, "demo-") == ["DEMO-10"]
        assert found(as_staff, "demo-1") == ["DEMO-1"]

    def test_gives_skus_of_small_and_of_capital_letters_the_same_room(self, api, monkeypatch):
        monkeypatch.setattr(selectors, "_SKUS_BEGUN", selectors._SKUS_BEGUN.replace("100", "2"))
        product(sku="demo-1", name="Chair")
        product(sku="DEMO-2", name="Chair")
        assert sorted(found(api, "demo-")) == ["DEMO-2", "demo-1"]

    @pytest.mark.parametrize("q", ["de", "d-", "demo", "1-2", "100", "_100a", "demo -1", "démo-1"])
    def test_takes_no_other_word_for_a_sku_half_typed(self, q):
        product(sku="DEMO-100", name="Chair")
        product(sku="100A", name="Chair")
        assert selectors.read(q, is_staff=False).skus == ()

    @pytest.mark.parametrize("sort", ["relevance", "price"])
    def test_finds_names_that_begin_with_stop_words_alone(self, api, sort):
        product(sku="A", name="The Who: live")
        product(sku="B", name="The who")
        product(sku="C", name="Thermos")
        product(sku="D", name="Who is the best?")
        product(sku="E", name="The draft", status="draft")
        assert sorted(found(api, "the who", sort=sort)) == ["A", "B"]
        assert found(api, "the WHO")[0] == "B"
        assert found(api, "who", sort=sort) == ["D"]
        assert sorted(found(api, "the", sort=sort)) == ["A", "B", "C"]

    def test_bounds_what_is_found_by_its_beginning(self, api, monkeypatch):
        monkeypatch.setattr(selectors, "_NAMES_BEGUN", selectors._NAMES_BEGUN.replace("100", "2"))
        for number in range(3):
            product(sku=f"{number}", name=f"The {number}")
        assert sorted(found(api, "the")) == ["0", "1"]

    def test_puts_the_exact_name_first_and_then_names_that_begin_so(self, api):
        product(sku="C", name="Brass lamp", description="lamp lamp lamp")
        product(sku="B", name="Lamp of brass")
        product(sku="A", name="Lamp")
        product(sku="D", name="Shade", description="For a lamp")
        assert found(api, "lamp") == ["A", "B", "C", "D"]

    def test_puts_the_popular_one_first_of_equals(self, api):
        product(sku="A", name="Brass lamp")
        product(sku="B", name="Brass lamp")
        Product.objects.filter(sku="A").update(popularity=50)
        assert found(api, "brass") == ["A", "B"]

    def test_goes_together_with_filters(self, api):
        category("Garden")
        product(sku="A", name="Lamp", category="garden", attributes={"color": "red"}, on_hand=1)
        product(sku="B", name="Lamp", attributes={"color": "red"}, on_hand=1)
        product(sku="C", name="Lamp", category="garden", attributes={"color": "red"})
        filters = {"category": "garden", "attr.color": "red", "in_stock": "true", "max_price": "10"}
        assert found(api, "lapm", **filters) == ["A"]

    def test_finds_a_sku_that_is_a_usual_word(self, api, monkeypatch):
        monkeypatch.setattr(selectors, "CANDIDATES", ((inf, 2),))
        for number in range(5):
            product(sku=f"{number}", name="Brass lamp")
        product(sku="LAMP", name="Chair")
        assert found(api, "lamp")[0] == "LAMP"

    def test_ranks_all_of_a_usual_shop(self, api):
        """A name counts however late it is met."""
        for _ in range(3):
            product(name="Shade", description="For a lamp")
        product(sku="B", name="Brass lamp")
        assert found(api, "lamp")[0] == "B"

    @pytest.mark.parametrize(
        ("products", "most"),
        [(-1, 10_000), (0, 10_000), (20_000, 10_000), (20_001, 300), (200_001, 60), (10**9, 60)],
    )
    def test_ranks_fewer_in_a_bigger_shop(self, products, most):
        assert selectors.Words("", "", products).parameters()["most"] == most


class TestBehindTheRanked:
    """Of a word that many products have, few are ranked, and all others follow."""

    @pytest.fixture(params=[{}, {"max_price": 9}, {"q": "LAMP-3"}], ids=str)
    def asked(self, request, monkeypatch) -> dict[str, Any]:
        monkeypatch.setattr(selectors, "CANDIDATES", ((inf, 5),))
        monkeypatch.setattr(selectors, "_BEST_SELLERS", 1)
        for number in range(12):
            product(sku=f"LAMP-{number}", name=f"Brass lamp {number}", price=Decimal(9))
        product(sku="DEAR", name="Brass lamp 99", price=Decimal(10))
        product(sku="OTHER", name="Chair", price=Decimal(9))
        product(sku="DRAFT", name="Lamp", price=Decimal(9), status="draft")
        Product.objects.filter(sku="LAMP-8").update(popularity=9)
        return {"q": "lamp", **request.param}

    def walk(self, api: Any, page: dict[str, Any], way: str) -> list[list[str]]:
        pages = [[row["sku"] for row in page["results"]]]
        while page[way]:
            page = api.get(page[way]).json()
            pages.append([row["sku"] for row in page["results"]])
        return pages

    def test_every_page_goes_on_from_the_one_before(self, api, asked):
        whole = found(api, **asked, limit=100)
        if asked["q"] == "lamp":
            others = set() if "max_price" in asked else {"DEAR"}
            assert sorted(whole) == sorted({f"LAMP-{number}" for number in range(12)} | others)
            assert whole[0] == "LAMP-8"
            ids = dict(Product.objects.values_list("sku", "id"))
            assert whole[-6:] == sorted(whole[-6:], key=ids.__getitem__, reverse=True)
        else:
            assert whole[0] == "LAMP-3"
        for limit in (1, 2, 5, 6, 7, 12):
            last = first = api.get(PRODUCTS, {**asked, "limit": limit}).json()
            pages = self.walk(api, first, "next")
            assert [sku for page in pages for sku in page] == whole
            assert all(len(page) == limit for page in pages[:-1])
            while last["next"]:
                last = api.get(last["next"]).json()
            back = self.walk(api, last, "previous")
            assert [sku for page in back[::-1] for sku in page] == whole

    def test_costs_one_more_where_the_ranked_end(self, api, asked):
        costs = []
        for limit in (2, 100):
            url = f"{PRODUCTS}?{urlencode(asked)}&limit={limit}"
            while url:
                with CaptureQueriesContext(connection) as queries:
                    page = api.get(url).json()
                costs.append(len(queries))
                url = page["next"]
        assert set(costs) <= {costs[0], costs[0] + 1}


class TestAnyText:
    """Nothing that is asked for makes the service fail, whatever it is combined with."""

    TEXTS = (
        "".join(chr(33 + number * 7 % 94) for number in range(200)),
        "".join(chr(0x2010 + number) for number in range(200)),
        *("& | ! <-> :* ()", "the and of", '"', "'", "-", "--", '-"', "- -", "or", "or or -or"),
        *(
            "a" * 200,
            "\N{SNOWMAN}\U0001f4a1\U0001f468\u200d\U0001f469",
            "مصباح نحاسي",
            "\ud7ff\ue000",
        ),
        *(" ".join("abcdefghij"[n % 10] + str(n) for n in range(66))[:200], "a " * 100, "-a " * 60),
        *(
            '"lamp" ' * 28,
            "lamp or " * 25,
            "%s %(q)s %",
            "\\",
            "a:*b",
            "lamp:A & 'x'",
            "a\t\n\rb",
            "é" * 200,
        ),
    )
    FILTERS = (
        *({"sort": sort} for sort in SORTS),
        {"category": "lighting", "in_stock": "true", "min_price": "1", "max_price": "20"},
        {"attr.color": "red", "status": "active", "in_stock": "false"},
    )

    @pytest.mark.parametrize("parameters", FILTERS, ids=str)
    def test_is_answered(self, api, monkeypatch, parameters):
        monkeypatch.setattr(selectors, "CANDIDATES", ((inf, 1),))
        for number in range(3):
            product(name=f"Lamp {number}", on_hand=1)
        for text in self.TEXTS:
            page = api.get(PRODUCTS, {"q": text, "limit": 1, **parameters})
            assert page.status_code == 200, (text, page.content)
            if page.json()["next"]:
                assert api.get(page.json()["next"]).status_code == 200

    def test_is_refused_with_what_no_text_holds(self, api):
        assert pointers(api.get(f"{PRODUCTS}?q=a%00b")) == ["#/q"]
        assert pointers(api.get(PRODUCTS, {"q": "a" * 201})) == ["#/q"]


class TestSuggest:
    def test_names_categories_then_products_then_words(self, api):
        category("Lamps")
        category("Desk lamps")
        product(name="Lamp of brass", sku="A")
        product(name="Old lampshade", sku="B")
        product(name="Clamp", sku="C")
        assert suggested(api, "Lam") == [
            ("category", "Lamps"),
            ("category", "Desk lamps"),
            ("product", "Lamp of brass"),
            ("product", "Old lampshade"),
            ("word", "lamp"),
            ("word", "lampshade"),
        ]
        assert suggested(api, "lam", limit=1) == [("category", "Lamps")]

    def test_leads_to_the_product(self, api):
        product(name="Lamp", slug="lamp-1")
        assert api.get(SUGGEST, {"q": "lamp"}).json() == {
            "results": [{"text": "Lamp", "kind": "product", "slug": "lamp-1"}]
        }

    def test_completes_the_last_word_of_several(self, api):
        product(name="Theatre mask")
        product(name="Brass mask")
        assert suggested(api, "mask the") == [("product", "Theatre mask")]

    def test_corrects_what_is_misspelt(self, api):
        product(name="Brass lantern")
        assert suggested(api, "lanturn") == [("product", "Brass lantern"), ("word", "lantern")]

    def test_hides_what_is_not_for_sale(self, api, as_staff):
        product(name="Lamp", status="draft")
        for client in (api, as_staff):
            assert [kind for kind, _ in suggested(client, "lamp")] == []

    def test_says_a_name_once(self, api):
        for _ in range(2):
            product(name="Lamp")
        assert suggested(api, "lam")[:2] == [("product", "Lamp"), ("word", "lamp")]

    @pytest.mark.parametrize("q", ["", " ", "%", "_", "'", "\\", "& !", "💡", "x" * 200])
    def test_takes_any_text(self, api, q):
        product(name="Lamp")
        response = api.get(SUGGEST, {"q": q})
        assert response.json() == {"results": []}
        assert response["Cache-Control"] == "public, max-age=30"

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("", "#/q"),
            ("q=%00", "#/q"),
            ("q=" + "x" * 201, "#/q"),
            ("q=a&limit=0", "#/limit"),
            ("q=a&limit=21", "#/limit"),
            ("q=a&limit=x", "#/limit"),
        ],
    )
    def test_refuses_other_values(self, api, query, pointer):
        assert pointers(api.get(f"{SUGGEST}?{query}")) == [pointer]


class TestLearn:
    def test_keeps_each_word_once_with_where_it_stands(self):
        search.learn_texts(names=["Café Lamps", "The lamp"], descriptions=["A lamp of oak, 12 W"])
        search.learn_texts(names=["Oak"], descriptions=["Lamps"])
        rows = SearchWord.objects.order_by("word").values_list("word", "lexeme", "of_name")
        assert list(rows) == [
            ("cafe", "cafe", True),
            ("lamp", "lamp", True),
            ("lamps", "lamp", True),
            ("oak", "oak", True),
        ]

    def test_neither_locks_nor_waits_where_all_is_known(self):
        made = product(name="Lamp")
        search.learn([made.id])
        with transaction.atomic(), connection.cursor() as cursor:
            search.learn([made.id])
            cursor.execute("SELECT pg_current_xact_id_if_assigned()")
            # In a test's own transaction an id may be there already: nothing of it is a row's lock.
            cursor.execute("SELECT count(*) FROM search_word WHERE xmax <> 0")
            assert cursor.fetchone() == (0,)


class TestReindex:
    @pytest.fixture(autouse=True)
    def _english_again(self, transactional_db, settings, monkeypatch):
        yield
        monkeypatch.undo()
        settings.SEARCH_LANGUAGE = "english"
        search.reindex()

    def reindex(self) -> str:
        out = io.StringIO()
        call_command("reindex_search", stdout=out, stderr=io.StringIO())
        return out.getvalue()

    def test_applies_another_language_and_forgets_gone_words(self, api, settings):
        product(sku="A", name="Häuser")
        search.learn_texts(names=["Gone"], descriptions=[])
        assert found(api, '"Hauses"') == []
        settings.SEARCH_LANGUAGE = "german"
        (warning,) = run_checks(tags=["database"], databases=["default"])
        assert warning.id == "catalog.W001"
        assert self.reindex() == "1 products indexed in german\n"
        assert run_checks(tags=["database"], databases=["default"]) == []
        assert found(api, '"Hauses"') == found(api, '"HÄUSER"') == ["A"]
        assert list(SearchWord.objects.values_list("word", flat=True)) == ["hauser"]

    def test_that_is_stopped_is_told_of(self, settings, monkeypatch):
        product(name="Lamp")

        def fail(*_args: Any) -> None:
            raise OperationalError("gone")

        monkeypatch.setattr(search, "_index", fail)
        with pytest.raises(CommandError, match="gone"):
            self.reindex()
        (warning,) = run_checks(tags=["database"], databases=["default"])
        assert "unfinished" in warning.msg
