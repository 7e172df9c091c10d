"""Products: found, added, changed, priced and counted. Every write is a service's."""

import re
from collections.abc import Mapping
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.files.uploadedfile import UploadedFile
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html

from apps.catalog_service import conf
from apps.catalog_service.admin.categories import category_choices
from apps.catalog_service.admin.exporting import ExportingAdmin
from apps.catalog_service.admin.filters import AvailabilityFilter, CategoryFilter, PriceFilter
from apps.catalog_service.admin.links import STATUS_COLOURS, product_url
from apps.catalog_service.admin.product_actions import ProductActionsAdmin
from apps.catalog_service.admin.repricing import RepricingAdmin
from apps.catalog_service.admin.stock import movements_shown
from apps.catalog_service.errors import SkuTaken, SlugTaken, UnknownCategory, VersionConflict
from apps.catalog_service.forms.products import ProductForm
from apps.catalog_service.forms.stock import AdjustForm
from apps.catalog_service.models import Alert, AlertKind, Product, ProductStatus
from apps.catalog_service.selectors import search
from apps.catalog_service.services import products
from chassis.admin.display import actor, money, when
from chassis.admin.filters import as_uuid
from chassis.admin.options import NarrowedButtonsAdmin, actor_id
from chassis.admin.theme import ChoicesDropdownFilter, display
from chassis.errors import PublicError

_NAMED = re.compile(r"%\((\w+)\)s")
_SHOWN = 10
_LONGEST_SEARCH = 200
_FIELDS: Final[Mapping[type[PublicError], str]] = {
    SkuTaken: "sku",
    SlugTaken: "slug",
    UnknownCategory: "category",
}
"""Beside which field a refusal is shown."""

_CONFLICT = (
    "Somebody else changed the product while you did. Nothing is saved yet: what differs is told"
    " below. Save once more to have it as you typed it."
)


class ProductAdmin(RepricingAdmin, ExportingAdmin, ProductActionsAdmin, NarrowedButtonsAdmin):
    """What is sold, with its stock and the history of its price."""

    list_display = ("picture_", "who", "category_", "price_", "status_", "available_", "updated")
    list_display_links = ("who",)
    list_filter = (
        ("status", ChoicesDropdownFilter),
        CategoryFilter,
        AvailabilityFilter,
        ("price", PriceFilter),
    )
    search_fields = ("sku",)
    search_help_text = "Words of names and descriptions, the beginning of a SKU, or a whole id"
    audit_type = "product"
    actions = ("activate_selected", "archive_selected", "reprice_selected", "export_selected")
    actions_list = ("reprice", "export")
    actions_detail = ("adjust_stock", "picture", "remove_picture", "activate", "archive")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell that nobody may delete a product: it is archived."""
        return False

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the products with what their list shows, in one query."""
        rows = super().get_queryset(request).select_related("category", "stock")
        return rows.defer("description", "attributes", "search")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the product of an id, or those of a sku's beginning or of words, by indexes."""
        term = search_term.strip()[:_LONGEST_SEARCH]
        if not term:
            return queryset, False
        if (product_id := as_uuid(term)) is not None:
            # A sku may look like an id.
            return queryset.filter(Q(pk=product_id) | Q(sku=term)), False
        return queryset.filter(Q(sku__startswith=term) | Q(_matches(term))), False

    @display(description="")
    def picture_(self, obj: Product) -> str:
        """Return a small picture."""
        return thumbnail(obj.image_url)

    @display(description="Product", header=True)
    def who(self, obj: Product) -> tuple[str, str]:
        """Return name and sku."""
        return obj.name, obj.sku

    @display(description="Category")
    def category_(self, obj: Product) -> str:
        """Return the category's name."""
        return obj.category.name

    @display(description="Price")
    def price_(self, obj: Product) -> str:
        """Return price and currency."""
        return money(obj.price, obj.currency)

    @display(description="Status", label=STATUS_COLOURS)
    def status_(self, obj: Product) -> str:
        """Return who sees it."""
        return obj.status

    @display(description="Available")
    def available_(self, obj: Product) -> str:
        """Return how many can be sold, marked where they are few."""
        available = obj.stock.on_hand - obj.stock.reserved
        level = "warning" if available <= conf.low_stock() else "success"
        return format_html(
            '<span class="souk-level souk-{}"></span><span class="souk-number">{}</span>',
            level if available else "danger",
            f"{available:,}",
        )

    @display(description="Changed")
    def updated(self, obj: Product) -> str:
        """Return how long ago staff or an import changed it."""
        return when(obj.updated_at)

    def label_of(self, row: Product) -> str:
        """Return sku and name."""
        return f"{row.sku}: {row.name}"

    # A product's page

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Take a new product."""
        form = ProductForm(
            request.POST or None,
            request.FILES or None,
            categories=category_choices(),
            product=None,
            initial={"status": ProductStatus.DRAFT, "attributes": "{}"},
        )
        made: list[Product] = []

        def save(values: dict[str, Any]) -> str:
            typed = {name: value for name, value in values.items() if name != "picture"}
            made.append(products.create_product(typed, by=actor_id(request)))
            return f"{made[0].name} is added. It has no stock yet."

        if request.method == "POST" and self.submitted(request, form, save, fields=_FIELDS):
            if file := form.cleaned_data["picture"]:
                self._add_picture(request, made[0], file)
            return HttpResponseRedirect(product_url(made[0].pk))
        return self.page(
            request, "catalog/admin/product.html", title="Add product", form=form, button="Add"
        )

    def _add_picture(
        self, request: HttpRequest, product: Product, file: "UploadedFile[Any]"
    ) -> None:
        """Give a new product its picture; where that cannot be, it is there without one."""
        try:
            self.store_picture(request, product, file)
        except PublicError as error:
            told = f"Its picture is not taken: {error}"
            self.message_user(request, told, messages.ERROR)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a product with its stock and prices, and take changes of it."""
        product = self._find(object_id)
        if product is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        form = ProductForm(
            request.POST or None,
            categories=category_choices(),
            product=product,
            initial=ProductForm.values_of(product),
        )
        if request.method == "POST" and self._saved(request, product, form):
            return HttpResponseRedirect(product_url(product.pk))
        return self._product_page(request, product, form)

    def _find(self, object_id: str) -> Product | None:
        product_id = as_uuid(object_id)
        rows = Product.objects.select_related("category", "stock").defer("search")
        return rows.filter(pk=product_id).first() if product_id else None

    def _saved(self, request: HttpRequest, product: Product, form: ProductForm) -> bool:
        def save(values: dict[str, Any]) -> str:
            try:
                products.update_product(
                    slug=product.slug,
                    by=actor_id(request),
                    if_versions={values["version"] or 0},
                    values={name: value for name, value in values.items() if name != "version"},
                )
            except VersionConflict as error:
                raise VersionConflict(_CONFLICT) from error
            return f"{values['name']} is saved."

        if self.submitted(request, form, save, fields=_FIELDS):
            return True
        if form.has_error(NON_FIELD_ERRORS, VersionConflict.code):
            form.keep_despite(self._find(str(product.pk)) or product)
        return False

    def _product_page(
        self, request: HttpRequest, product: Product, form: ProductForm
    ) -> HttpResponse:
        movements = list(product.movements.order_by("-id").select_related("product")[:_SHOWN])
        changes = product.price_changes.order_by("-id")
        about = Alert.objects.filter(subject=str(product.pk), cleared_at=None)
        return self.row_page(
            request,
            product,
            "catalog/admin/product.html",
            title=product.name,
            form=form,
            button="Save",
            product=product,
            picture=thumbnail(product.image_url, large=True),
            available=product.stock.on_hand - product.stock.reserved,
            low_stock=conf.low_stock(),
            movements=movements_shown(movements),
            prices=[(one, actor(one.actor)) for one in changes[:_SHOWN]],
            alerts=about.exclude(kind=AlertKind.RESERVATION_OLD).order_by("-id")[:_SHOWN],
            adjust_form=AdjustForm(initial={"seen": movements[0].pk if movements else 0}),
        )


def _matches(text: str) -> RawSQL:
    """Return the search's own condition, its values in the order in which they stand in it."""
    values = search.read(text, is_staff=True).parameters()
    condition = search.match(values)
    names = _NAMED.findall(condition)
    condition = _NAMED.sub("%s", condition)
    return RawSQL(condition, [values[name] for name in names], BooleanField())  # noqa: S611 -- a constant


def thumbnail(url: str, *, large: bool = False) -> str:
    """Return a product's picture, or an empty frame; of another host's only by https, without a referrer."""
    size = "souk-picture" if large else "souk-thumbnail"
    if not url.startswith(("/", "https://")):
        icon = "image" if not url else "link"
        return format_html(
            '<span class="{} souk-no-picture" title="{}">'
            '<span class="material-symbols-outlined">{}</span></span>',
            size,
            url or "No picture",
            icon,
        )
    return format_html(
        '<img class="{}" src="{}" alt="" loading="lazy" referrerpolicy="no-referrer">', size, url
    )
