"""Products in the admin: added, changed, counted and priced, all by services."""

import json
from decimal import Decimal
from io import BytesIO
from uuid import UUID

import pytest
from PIL import Image

from apps.catalog_service.admin import repricing
from apps.catalog_service.errors import StockMoved
from apps.catalog_service.models import PriceChange, Product, ProductStatus, StockMovement, Transfer
from apps.catalog_service.services.prices import preview
from apps.catalog_service.services.products import update_product
from apps.catalog_service.services.stock import adjust_stock
from chassis.ids import uuid7
from chassis.models import AuditEntry, OutboxEvent
from tests.catalog_service import factories
from tests.staff import change_url, messages_of, token_of

PRODUCTS = "/admin/catalog/catalog/product/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(staff_browser):
    return staff_browser("staff")


@pytest.fixture
def lamp():
    return factories.product(8, sku="LAMP-1", name="Lamp", price=Decimal("20.00"))


def typed(product=None, **changes):
    """Return what the form of a product holds."""
    form = {
        "sku": "LAMP-2",
        "name": "Floor lamp",
        "slug": "",
        "category": factories.category().slug,
        "price": "49.90",
        "status": "active",
        "description": "Tall.\r\nBright.",
        "attributes": '{"color": "red"}',
        "image_url": "",
    }
    if product is not None:
        form |= {name: getattr(product, name) for name in ("version", "name", "slug", "status")}
        form |= {"price": str(product.price), "description": "", "attributes": "{}"}
    return form | changes


def png():
    """Return a picture as a browser sends it."""
    file = BytesIO()
    Image.new("RGB", (2, 2), "red").save(file, "PNG")
    file.seek(0)
    file.name = "lamp.png"
    return file


def errors_of(answer):
    """Return what the form of a page says, by field."""
    assert answer.status_code == 200
    return {name: list(errors) for name, errors in answer.context["form"].errors.items()}


def actions():
    """Return what staff are noted to have done, in order."""
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


class TestAdd:
    def test_makes_the_product_once(self, staff):
        answer = staff.press(f"{PRODUCTS}add/", **typed())
        made = Product.objects.get()
        assert answer["Location"] == change_url(made)
        assert messages_of(answer) == ["Floor lamp is added. It has no stock yet."]
        assert (made.slug, made.price) == ("floor-lamp", Decimal("49.90"))
        assert (made.attributes, made.description) == ({"color": "red"}, "Tall.\nBright.")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor_id) == ("product.created", staff.user_id)
        again = staff.press(f"{PRODUCTS}add/", **typed())
        assert errors_of(again) == {"sku": ["Another product has this sku"]}
        assert Product.objects.count() == 1

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"sku": "no spaces"}, "sku"),
            ({"sku": ""}, "sku"),
            ({"name": ""}, "name"),
            ({"name": "a\0b"}, "name"),
            ({"slug": "Ümlaut!"}, "slug"),
            ({"category": "none"}, "category"),
            ({"price": "1,50"}, "price"),
            ({"price": "-1"}, "price"),
            ({"price": "1e9"}, "price"),
            ({"price": "99999999999.00"}, "price"),
            ({"status": "sold"}, "status"),
            ({"attributes": "{"}, "attributes"),
            ({"attributes": "[1]"}, "attributes"),
            ({"attributes": "[" * 5000}, "attributes"),
            ({"attributes": '{"a": "\\u0000"}'}, "attributes"),
            (
                {"attributes": json.dumps({"a": {"b": {"c": {"d": {"e": {"f": {}}}}}}})},
                "attributes",
            ),
            ({"image_url": "javascript:alert(1)"}, "image_url"),
        ],
    )
    def test_says_beside_the_field_what_is_wrong_and_keeps_the_rest(self, staff, changes, field):
        answer = staff.press(f"{PRODUCTS}add/", **typed(**changes))
        assert list(errors_of(answer)) == [field]
        assert b"Tall." in answer.content
        assert not Product.objects.exists()

    def test_says_all_that_is_wrong_at_once(self, staff):
        changes = {"sku": "", "name": "", "price": "1,5", "attributes": "{", "image_url": "x"}
        told = errors_of(staff.press(f"{PRODUCTS}add/", **typed(**changes)))
        assert told.keys() == changes.keys()
        assert told["sku"] == ["This field is required."]
        assert told["price"] == [
            "Type an amount such as 19.90: a point, no comma, and two decimals at most."
        ]

    def test_takes_a_picture(self, staff):
        staff.press(f"{PRODUCTS}add/", **typed(picture=png()))
        assert Product.objects.get().image_url.startswith("/media/catalog/")

    def test_tells_where_the_picture_is_none_and_has_the_product(self, staff):
        file = BytesIO(b"<svg onload=alert(1)>")
        file.name = "lamp.png"
        answer = staff.press(f"{PRODUCTS}add/", **typed(picture=file))
        made = Product.objects.get()
        assert answer["Location"] == change_url(made)
        assert messages_of(answer)[1].startswith("Its picture is not taken: It is broken")
        assert not made.image_url

    def test_takes_no_picture_beside_an_address(self, staff):
        form = typed(image_url="https://cdn.example/a.png", picture=png())
        assert list(errors_of(staff.press(f"{PRODUCTS}add/", **form))) == ["image_url"]
        assert not Product.objects.exists()

    def test_is_not_for_customers(self, staff_browser, staff):
        token = token_of(staff.get(f"{PRODUCTS}add/"))
        customer = staff_browser("customer")
        customer.cookies["souk_catalog_csrf"] = staff.cookies["souk_catalog_csrf"].value
        form = {"csrfmiddlewaretoken": token, **typed()}
        assert customer.post(f"{PRODUCTS}add/", form).status_code == 307
        assert staff.post(f"{PRODUCTS}add/", typed()).status_code == 403
        assert not Product.objects.exists()


class TestChange:
    def test_saves_what_differs(self, staff, lamp):
        answer = staff.press(change_url(lamp), **typed(lamp, name="Lantern", price="25.00"))
        assert messages_of(answer) == ["Lantern is saved."]
        changed = Product.objects.get()
        assert (changed.name, changed.price, changed.sku) == ("Lantern", Decimal("25.00"), "LAMP-1")
        assert changed.version == lamp.version + 1
        assert "product.changed" in actions()
        assert str(staff.user_id)[:8] in staff.get(change_url(lamp)).content.decode()

    def test_saves_nothing_where_nothing_differs(self, staff, lamp):
        staff.press(change_url(lamp), **typed(lamp, description="\r\n"))
        assert Product.objects.get().version == lamp.version

    def test_of_what_somebody_changed_meanwhile_is_refused_and_kept(self, staff, lamp):
        page = staff.get(change_url(lamp))
        update_product(slug=lamp.slug, values={"price": Decimal("30.00")}, by=uuid7())
        form = {"csrfmiddlewaretoken": token_of(page), **typed(lamp, name="Lantern", price="25.00")}
        refused = staff.post(change_url(lamp), form)
        told = errors_of(refused)
        assert "Somebody else changed the product" in told["__all__"][0]
        assert (told["price"], told["name"]) == (["Now: 30.00"], ["Now: Lamp"])
        assert "category" not in told
        content = refused.content.decode()
        assert 'value="Lantern"' in content
        assert f'name="version" value="{lamp.version + 1}"' in content
        assert Product.objects.get().price == Decimal("30.00")
        staff.post(change_url(lamp), {**form, "version": lamp.version + 1})
        assert Product.objects.get().price == Decimal("25.00")

    def test_without_a_version_is_refused(self, staff, lamp):
        answer = staff.press(change_url(lamp), **typed(lamp, name="Lantern", version=""))
        assert "Somebody else changed the product" in errors_of(answer)["__all__"][0]
        assert Product.objects.get().name == "Lamp"

    def test_archives_and_activates(self, staff, lamp):
        for action, status in (("archive", "archived"), ("activate", "active")):
            assert f"/{action}/" in staff.get(change_url(lamp)).content.decode()
            staff.press(f"{PRODUCTS}{lamp.pk}/{action}/")
            assert Product.objects.get().status == status
        assert actions()[-2:] == ["product.archived", "product.changed"]

    def test_archives_the_selected_ones(self, staff, lamp):
        other = factories.product()
        form = {"action": "archive_selected", "_selected_action": [str(lamp.pk), str(other.pk)]}
        token = token_of(staff.get(PRODUCTS))
        asked = staff.post(PRODUCTS, {"csrfmiddlewaretoken": token, **form})
        assert "Archive 2 products" in asked.content.decode()
        assert not Product.objects.filter(status=ProductStatus.ARCHIVED).exists()
        done = staff.post(PRODUCTS, {"csrfmiddlewaretoken": token, **form, "confirmed": "yes"})
        assert messages_of(done) == ["2 products archived."]
        again = staff.post(PRODUCTS, {"csrfmiddlewaretoken": token, **form, "confirmed": "yes"})
        assert messages_of(again)[-1] == "There is nothing left to do."


class TestPicture:
    def test_is_stored_and_removed(self, staff, lamp, settings, tmp_path):
        staff.press(f"{PRODUCTS}{lamp.pk}/picture/", picture=png())
        url = Product.objects.get().image_url
        assert url.startswith("/media/catalog/")
        assert url in staff.get(PRODUCTS).content.decode()
        staff.press(f"{PRODUCTS}{lamp.pk}/remove-picture/")
        assert not Product.objects.get().image_url

    def test_is_refused_where_it_is_none(self, staff, lamp):
        file = BytesIO(b"<svg onload=alert(1)>")
        file.name = "lamp.png"
        answer = staff.press(f"{PRODUCTS}{lamp.pk}/picture/", picture=file)
        assert list(errors_of(answer)) == ["__all__"]
        assert list(errors_of(staff.press(f"{PRODUCTS}{lamp.pk}/picture/"))) == ["picture"]
        assert not Product.objects.get().image_url


class TestStock:
    def adjust(self, staff, lamp, **form):
        return staff.press(f"{PRODUCTS}{lamp.pk}/adjust-stock/", reason="found", **form)

    def test_is_adjusted_once_by_a_form_sent_twice(self, staff, lamp):
        seen = StockMovement.objects.latest("id").pk
        answer = self.adjust(staff, lamp, quantity="-3", seen=seen)
        assert messages_of(answer) == ["-3 pieces of Lamp."]
        page = staff.get(f"{PRODUCTS}{lamp.pk}/adjust-stock/").content.decode()
        assert "5 on hand, 0 of them reserved." in page
        again = self.adjust(staff, lamp, quantity="-3", seen=seen)
        assert "adjusted meanwhile" in errors_of(again)["__all__"][0]
        assert factories.stock_of(lamp) == (5, 0)
        movement = StockMovement.objects.latest("id")
        assert (movement.actor, movement.reason) == (f"user:{staff.user_id}", "found")
        assert actions()[-1] == "stock.adjusted"
        assert f'name="seen" value="{movement.pk}"' in again.content.decode()

    @pytest.mark.django_db(transaction=True)
    def test_is_adjusted_once_by_two_at_once(self, lamp, at_once):
        seen = StockMovement.objects.latest("id").pk

        def adjust():
            adjust_stock(slug=lamp.slug, quantity=-1, reason="found", actor="test", seen=seen)

        outcomes = at_once(*[adjust] * 4)
        assert [type(one) for one in outcomes if one is not None] == [StockMoved] * 3
        assert factories.stock_of(lamp) == (7, 0)

    def test_may_be_reserved_while_it_is_adjusted(self, staff, lamp, order):
        seen = StockMovement.objects.latest("id").pk
        factories.reserve(order, (lamp.sku, 2))
        self.adjust(staff, lamp, quantity="1", seen=seen)
        assert factories.stock_of(lamp) == (9, 2)

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            ({"quantity": "-9"}, "__all__"),
            ({"quantity": "0"}, "quantity"),
            ({"quantity": "9" * 30}, "quantity"),
            ({"quantity": "1.5"}, "quantity"),
            ({"quantity": "1", "reason": ""}, "reason"),
            ({"quantity": "1", "seen": "-1"}, "seen"),
        ],
    )
    def test_is_not_adjusted_by_nonsense(self, staff, lamp, form, field):
        form = {"seen": StockMovement.objects.latest("id").pk, "reason": "found", **form}
        answer = staff.press(f"{PRODUCTS}{lamp.pk}/adjust-stock/", **form)
        assert list(errors_of(answer)) == [field]
        assert factories.stock_of(lamp) == (8, 0)


class TestPrices:
    RULE = {"kind": "percent", "value": "10", "rounding": "0.01|0"}

    def test_change_once_after_a_preview(self, staff, lamp):
        factories.product(price=Decimal("5.00"), status="draft")
        url = f"{PRODUCTS}reprice/?status__exact=active"
        seen = staff.press(url, **self.RULE)
        assert [(one.sku, str(one.new)) for one in seen.context["previews"]] == [
            ("LAMP-1", "22.00")
        ]
        assert Product.objects.get(pk=lamp.pk).price == Decimal("20.00")
        form = {**self.RULE, "seen": seen.context["seen"]}
        assert staff.press(url, **form, preview="yes").status_code == 200
        assert Product.objects.get(pk=lamp.pk).price == Decimal("20.00")
        form["apply"] = "yes"
        done = staff.press(url, **form)
        assert messages_of(done) == ["1 product repriced."]
        assert done["Location"] == f"{PRODUCTS}?status__exact=active"
        assert Product.objects.get(pk=lamp.pk).price == Decimal("22.00")
        assert PriceChange.objects.latest("id").actor == f"user:{staff.user_id}"
        assert OutboxEvent.objects.filter(type="product.price_changed").count() == 1
        again = staff.press(url, **form)
        assert "not the prices that you saw" in errors_of(again)["__all__"][0]
        assert Product.objects.get(pk=lamp.pk).price == Decimal("22.00")

    def test_that_change_between_looking_and_writing_are_left(self, staff, lamp, monkeypatch):
        seen = staff.press(f"{PRODUCTS}reprice/", **self.RULE).context["seen"]

        def late(*arguments):
            found = preview(*arguments)
            update_product(slug=lamp.slug, values={"price": Decimal("30.00")}, by=None)
            return found

        monkeypatch.setattr("apps.catalog_service.services.prices.preview", late)
        done = staff.press(f"{PRODUCTS}reprice/", **self.RULE, seen=seen, apply="yes")
        assert messages_of(done) == [
            "0 products repriced.",
            "1 product could not be repriced: the price changed meanwhile.",
        ]
        assert Product.objects.get().price == Decimal("30.00")

    def test_of_the_selected_ones_change(self, staff, lamp):
        other = factories.product(price=Decimal("5.00"))
        token = token_of(staff.get(PRODUCTS))
        form = {"action": "reprice_selected", "_selected_action": [str(lamp.pk)]}
        asked = staff.post(PRODUCTS, {"csrfmiddlewaretoken": token, **form})
        ids = asked.context["ids"]
        assert ids == str(lamp.pk)
        rule = {"csrfmiddlewaretoken": token, "ids": ids, **self.RULE, "kind": "set", "value": "7"}
        seen = staff.post(f"{PRODUCTS}reprice/", rule).context["seen"]
        staff.post(f"{PRODUCTS}reprice/", {**rule, "seen": seen, "apply": "yes"})
        prices = dict(Product.objects.values_list("pk", "price"))
        assert prices == {lamp.pk: Decimal("7.00"), other.pk: Decimal("5.00")}

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"kind": "double"}, "kind"),
            ({"value": "NaN"}, "value"),
            ({"value": "1e99999"}, "value"),
            ({"value": "-101"}, "__all__"),
            ({"kind": "set", "value": "-1"}, "__all__"),
            ({"kind": "amount", "value": "9999999999.99"}, "__all__"),
            ({"rounding": "0|0"}, "rounding"),
        ],
    )
    def test_do_not_change_by_nonsense(self, staff, lamp, changes, field):
        answer = staff.press(
            f"{PRODUCTS}reprice/", **{**self.RULE, **changes}, seen="x", apply="yes"
        )
        assert list(errors_of(answer)) == [field]
        assert Product.objects.get().price == Decimal("20.00")

    @pytest.mark.parametrize(
        "ids", ["", "nonsense", ",".join(str(UUID(int=n)) for n in range(101))]
    )
    def test_refuse_a_selection_of_nonsense(self, staff, lamp, ids):
        form = {"csrfmiddlewaretoken": token_of(staff.get(PRODUCTS)), "ids": ids, **self.RULE}
        assert staff.post(f"{PRODUCTS}reprice/", form).status_code == 400

    def test_of_too_many_or_of_none_are_not_asked_about(self, staff, lamp, monkeypatch):
        none = staff.get(f"{PRODUCTS}reprice/?status__exact=archived")
        assert messages_of(none) == ["There are no such products."]
        monkeypatch.setattr(repricing, "MOST_PRICES", 0)
        many = staff.get(f"{PRODUCTS}reprice/")
        assert "more than 0 products" in messages_of(many)[-1]


class TestExport:
    def test_of_the_list_or_of_the_selected_ones_begins(self, staff, lamp):
        slug = factories.category().slug
        url = f"{PRODUCTS}export/?category={slug}&status__exact=active&p=0"
        assert "all active products of Lighting" in staff.get(url).content.decode()
        staff.press(url)
        form = {"action": "export_selected", "_selected_action": [str(lamp.pk)]}
        token = token_of(staff.get(PRODUCTS))
        answer = staff.post(PRODUCTS, {"csrfmiddlewaretoken": token, **form})
        first, second = Transfer.objects.order_by("pk")
        assert (first.options["category"], first.options["statuses"]) == (slug, ["active"])
        assert second.options["skus"] == ["LAMP-1"]
        assert answer["Location"] == change_url(second)
        assert second.created_by == staff.user_id
