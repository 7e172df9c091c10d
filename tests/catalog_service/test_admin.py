"""The admin of the catalog service: every page, who may see it, and what it can be asked."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.catalog_service.admin import filters, site
from apps.catalog_service.models import (
    Alert,
    AlertKind,
    Category,
    PriceChange,
    Product,
    Reservation,
    StockMovement,
)
from apps.catalog_service.services import alerts
from apps.catalog_service.services.products import update_product
from apps.catalog_service.services.stock import adjust_stock
from chassis.admin.dashboard import bus_cards
from chassis.ids import uuid7
from tests.catalog_service import factories
from tests.staff import change_url, foreign_urls, lists

HOME = "/admin/catalog/"
CATALOG = f"{HOME}catalog/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(staff_browser):
    return staff_browser("staff")


def fill(order):
    """Have something on every page; names and reasons that a page must not take for markup."""
    lighting = factories.category("Lighting")
    factories.category("Lamps", parent=lighting.slug)
    lamp = factories.product(8, sku="LAMP-1", name="Lamp <b>", category="lamps", price="20.00")
    chair = factories.product(3, sku="CHAIR-1", name="Chair", price="50.00", status="draft")
    update_product(slug=lamp.slug, values={"price": "25.00"}, by=uuid7())
    order_id = uuid7()
    assert factories.reserve(order, (lamp.sku, 6), order_id=order_id).status_code == 201
    alerts.raise_alert(AlertKind.STOCK_LOW, lamp.id, sku=lamp.sku, available=2)
    alerts.raise_alert(AlertKind.RESERVATION_OLD, order_id)
    return lamp, chair, order_id


def card_of(staff, title):
    """Return a card of the overview."""
    cards = staff.get(HOME).context["dashboard"].cards
    (card,) = (card for card in cards if card.title == title)
    return card


NARROWED = {
    "product/": 2,
    "product/?q=LAMP": 1,
    "product/?q=chair": 1,
    "product/?q=nothing-like-it": 0,
    "product/?status__exact=draft": 1,
    "product/?category=lighting": 2,
    "product/?category=lamps": 1,
    "product/?category=none": 0,
    "product/?available=some": 2,
    "product/?available=low": 2,
    "product/?available=none": 0,
    "product/?price_from=25&price_to=30": 1,
    "product/?price_from=NaN&price_to=1e999999": 2,
    "stockmovement/": 3,
    "stockmovement/?kind=reserved": 1,
    "stockmovement/?q=CHAIR-1": 1,
    "stockmovement/?q=CHA": 1,
    "stockmovement/?q=LAMP": 2,
    "stockmovement/?q=nothing": 0,
    "pricechange/?q=LAMP-1": 2,
    "reservation/": 1,
    "reservation/?status=reserved": 1,
    "reservation/?status=returned": 0,
    "reservation/?q=nonsense": 0,
    "alert/": 2,
    "alert/?state=open": 2,
    "alert/?state=cleared": 0,
    "alert/?kind__exact=stock_low": 1,
}
"""How many rows a list shows of what `fill` makes."""


class TestPages:
    def test_open_without_rows(self, staff):
        for _, url in [(None, HOME), *lists(site)]:
            assert staff.get(url).status_code == 200, url

    def test_open_and_show_text_as_text(self, staff, order):
        fill(order)
        pages = [HOME, f"{CATALOG}product/add/", f"{CATALOG}category/add/"]
        for model, url in lists(site):
            pages.append(url)
            if model in {Product, Category, StockMovement, PriceChange, Reservation, Alert}:
                pages += [change_url(row) for row in model.objects.all()]
        for path in pages:
            page = staff.get(path)
            content = page.content.decode()
            assert page.status_code == 200, path
            assert foreign_urls(content) == [], path
            assert "Lamp <b>" not in content, path

    def test_are_closed_to_everybody_else(self, client, staff_browser, order):
        lamp, _, _ = fill(order)
        customer = staff_browser("customer")
        pages = [HOME, f"{CATALOG}product/add/", change_url(lamp)]
        for url in [*pages, *(url for _, url in lists(site))]:
            assert client.get(url).status_code == 302, url
            assert customer.get(url).status_code == 302, url

    def test_cost_the_same_number_of_queries_however_many_rows_they_show(self, staff, order):
        lamp, _, _ = fill(order)
        urls = [HOME, *(url for _, url in lists(site)), change_url(lamp)]
        few = {url: queries(staff, url) for url in urls}
        for _ in range(4):
            made = factories.product(2, category="lamps")
            factories.reserve(order, (made.sku, 1))
            alerts.raise_alert(AlertKind.STOCK_LOW, made.id, sku=made.sku)
        assert {url: queries(staff, url) for url in urls} == few
        assert max(few.values()) <= 20

    def test_are_found_without_the_last_slash(self, staff):
        assert staff.get("/admin/catalog")["Location"] == HOME

    def test_can_be_narrowed(self, staff, order):
        fill(order)
        pages = {path: staff.get(CATALOG + path) for path in NARROWED}
        shown = {path: len(page.context["cl"].result_list) for path, page in pages.items()}
        assert shown == NARROWED

    def test_look_for_a_kind_among_the_latest_rows_alone(self, staff, order, monkeypatch):
        fill(order)
        url = f"{CATALOG}stockmovement/?kind=adjusted"
        assert len(staff.get(url).context["cl"].result_list) == 2
        monkeypatch.setattr(filters, "_LATEST", 2)
        assert len(staff.get(url).context["cl"].result_list) == 1

    def test_refuse_what_no_filter_asks(self, staff, order):
        fill(order)
        asked = (
            "product/?description__startswith=a",
            "product/?status__regex=(a",
            "product/?category=%00",
            "product/reprice/?status__regex=(a",
            "product/reprice/?nonsense=1",
            "reservation/?lines__sku__startswith=a",
        )
        assert {path: staff.get(CATALOG + path).status_code for path in asked} == dict.fromkeys(
            asked, 400
        )

    @pytest.mark.parametrize(
        "path",
        ["product/nonsense/change/", f"product/{UUID(int=1)}/change/", "alert/99999999999999999999/change/"],
    )  # fmt: skip
    def test_of_nothing_lead_back(self, staff, path):
        assert staff.get(CATALOG + path).status_code == 302

    @pytest.mark.parametrize(
        "path",
        [
            "product/nonsense/adjust-stock/",
            f"product/{UUID(int=1)}/picture/",
            "category/nonsense/change/",
            "category/nonsense/delete/",
            "alert/nonsense/clear/",
        ],
    )
    def test_of_actions_on_nothing_are_not_found(self, staff, path):
        assert staff.get(CATALOG + path).status_code == 404

    def test_of_movement_reservation_and_product_lead_to_each_other(self, staff, order):
        lamp, _, order_id = fill(order)
        reservation = f"{CATALOG}reservation/{order_id}/change/"
        product = change_url(lamp)
        movement = StockMovement.objects.get(order_id=order_id)
        assert reservation in staff.get(product).content.decode()
        assert product in staff.get(reservation).content.decode()
        assert change_url(movement) in staff.get(reservation).content.decode()
        order_page = f"/admin/orders/orders/order/{order_id}/change/"
        assert order_page in staff.get(reservation).content.decode()
        for page in (change_url(movement), f"{CATALOG}stockmovement/?q={order_id}"):
            content = staff.get(page).content.decode()
            assert reservation in content
            assert product in content

    def test_of_a_product_lead_to_its_own_rows_alone(self, staff):
        longer, like_an_id = f"{UUID(int=7)}0", str(UUID(int=7))
        for sku in (like_an_id, longer):
            factories.product(3, sku=sku)
        made = Product.objects.get(sku=like_an_id)
        content = staff.get(change_url(made)).content.decode()
        for model in ("stockmovement", "pricechange"):
            url = f"{CATALOG}{model}/?q={like_an_id}"
            assert url in content
            assert [row.product_id for row in staff.get(url).context["cl"].result_list] == [made.pk]
        assert list(staff.get(f"{CATALOG}product/?q={like_an_id}").context["cl"].result_list) == [
            made
        ]

    def test_lead_from_who_did_it_to_auth(self, staff):
        lamp = factories.product()
        adjust_stock(slug=lamp.slug, quantity=1, reason="x", actor=f"user:{staff.user_id}")
        update_product(slug=lamp.slug, values={"price": "25.00"}, by=staff.user_id)
        user = f'href="/admin/auth/accounts/user/{staff.user_id}/change/"'
        product = change_url(lamp)
        lists_ = [f"{CATALOG}{model}/" for model in ("stockmovement", "pricechange")]
        audit = f"{HOME}chassis/auditentry/"
        for page in (product, product.replace("/change/", "/history/"), *lists_, audit):
            assert user in staff.get(page).content.decode(), page

    def test_mark_reservations_that_are_old(self, staff, order):
        _, _, order_id = fill(order)
        before = timezone.now() - alerts.OLD_RESERVATION
        Reservation.objects.filter(pk=order_id).update(created_at=before)
        reservations: Any = site._registry[Reservation]
        (row,) = staff.get(f"{CATALOG}reservation/").context["cl"].result_list
        assert reservations.status_(row) == "old"
        assert card_of(staff, "Open reservations").level == "danger"


def queries(browser, url):
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(url).status_code == 200
    return len(captured)


class TestOverview:
    def test_shows_what_there_is(self, staff, order):
        lamp, _, _ = fill(order)
        factories.product(0, name="A very long name of a product that nobody can have")
        Product.objects.filter(pk=lamp.pk).update(popularity=7)
        cards = {card.title: card for card in staff.get(HOME).context["dashboard"].cards}
        of_events = {card.title for card in bus_cards()}
        assert {title: card.value for title, card in cards.items() if title not in of_events} == {
            "Active products": "2",
            "Low stock": "1",
            "Depleted": "1",
            "Open alerts": "2",
            "Open reservations": "1",
            "Units sold today": "0",
            "Transfers under way": "0",
        }
        overview = staff.get(HOME).context["dashboard"]
        assert overview.charts[1].labels == [lamp.name]
        assert '"indexAxis":"y"' in overview.charts[1].options
        assert [line.hint for line in overview.listings[0].lines] == [lamp.sku]

    def test_leads_to_what_its_figures_count(self, staff, order):
        fill(order)
        for title in ("Active products", "Low stock", "Depleted", "Open alerts"):
            card = card_of(staff, title)
            page = staff.get(card.link)
            assert len(page.context["cl"].result_list) == int(card.value), title


class TestSite:
    def test_passes_djangos_checks(self):
        assert site.check(None) == []
