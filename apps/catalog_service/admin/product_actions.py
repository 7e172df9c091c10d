"""What is done to a product by a button or to selected ones: each asks, and calls one service."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib.admin import action as list_action
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apps.catalog_service import conf
from apps.catalog_service.admin.links import product_url
from apps.catalog_service.errors import StockMoved
from apps.catalog_service.forms.products import PictureForm
from apps.catalog_service.forms.stock import AdjustForm
from apps.catalog_service.models import Product, ProductStatus
from apps.catalog_service.services import pictures, products, stock
from chassis.admin.asking import Question
from chassis.admin.filters import as_uuid
from chassis.admin.options import MOST_AT_ONCE, ServiceModelAdmin, actor_id
from chassis.admin.theme import ActionVariant, action

_ARCHIVE = Question(
    title="Archive {}",
    text="Nobody but staff sees it any more, and it cannot be ordered. What is reserved stays so.",
    button="Archive",
    done="archived",
    danger=True,
)
_ACTIVATE = Question(
    title="Activate {}",
    text="Everybody sees it, and it can be ordered.",
    button="Activate",
    done="activated",
)


class ProductActionsAdmin(ServiceModelAdmin):
    """The buttons of a product's page, and those of its list that change a status."""

    @list_action(description="Activate")
    def activate_selected(
        self, request: HttpRequest, queryset: QuerySet[Product]
    ) -> HttpResponse | None:
        """Let everybody see the selected products."""
        rows = queryset.exclude(status=ProductStatus.ACTIVE)[:MOST_AT_ONCE]
        return self.confirmed_selection(
            request, list(rows), _ACTIVATE, lambda row: self._activate(request, row)
        )

    @list_action(description="Archive")
    def archive_selected(
        self, request: HttpRequest, queryset: QuerySet[Product]
    ) -> HttpResponse | None:
        """Take the selected products off sale."""
        rows = queryset.exclude(status=ProductStatus.ARCHIVED)[:MOST_AT_ONCE]
        return self.confirmed_selection(
            request, list(rows), _ARCHIVE, lambda row: self._archive(request, row)
        )

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Return the buttons that fit the product's state."""
        product_id = as_uuid(str(object_id))
        product = Product.objects.filter(pk=product_id).first() if product_id else None
        hidden = set()
        if product is not None:
            hidden |= {"activate"} if product.status == ProductStatus.ACTIVE else set()
            hidden |= {"archive"} if product.status == ProductStatus.ARCHIVED else set()
            hidden |= set() if product.image_url else {"remove_picture"}
        return self.buttons_but(request, object_id, hidden)

    @action(description="Adjust stock", url_path="adjust-stock", icon="inventory")
    def adjust_stock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Add pieces to the stock, or take some away; tell how many there are."""
        product: Product = self.object_or_404(request, object_id)
        form = AdjustForm(request.POST or None, initial={"seen": _newest_movement(product)})

        def save(values: dict[str, Any]) -> str:
            by = actor_id(request)
            stock.adjust_stock(slug=product.slug, actor=f"user:{by}", by=by, **values)
            return f"{values['quantity']:+,} pieces of {product.name}."

        told = {"title": "Adjust stock", "button": "Adjust", "text": f"{product.stock}."}
        answer = self._sub_page(request, product, form, save, **told)
        if form.has_error(NON_FIELD_ERRORS, StockMoved.code):
            # Sent once more, it is about the stock as it is now.
            form.keep(seen=_newest_movement(product))
        return answer

    @action(description="Upload picture", url_path="picture", icon="image")
    def picture(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take a picture."""
        product: Product = self.object_or_404(request, object_id)
        form = PictureForm(request.POST or None, request.FILES or None)

        def save(values: dict[str, Any]) -> str:
            self.store_picture(request, product, values["picture"])
            return f"{product.name} has a new picture."

        return self._sub_page(request, product, form, save, title="Upload picture", button="Upload")

    def store_picture(
        self, request: HttpRequest, product: Product, file: "UploadedFile[Any]"
    ) -> None:
        """Make an uploaded file the product's picture.

        Raises:
            PictureInvalid, StorageUnavailable: as of `pictures.store`.
        """
        content = file.read(conf.LONGEST_PICTURE + 1)
        pictures.store(slug=product.slug, content=content, by=actor_id(request))

    def _sub_page(
        self,
        request: HttpRequest,
        product: Product,
        form: Form,
        save: Callable[[dict[str, Any]], str],
        **context: Any,
    ) -> HttpResponse:
        back = product_url(product.pk)
        if request.method == "POST" and self.submitted(request, form, save):
            return HttpResponseRedirect(back)
        return self.page(request, "souk/form.html", form=form, back=back, object=product, **context)

    @action(description="Remove picture", url_path="remove-picture", icon="hide_image")
    def remove_picture(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the product without a picture."""
        question = Question(
            title="Remove picture",
            text="The product is shown without a picture; an uploaded one is deleted.",
            button="Remove",
            danger=True,
        )

        def act(product: Product) -> str:
            pictures.remove(slug=product.slug, by=actor_id(request))
            return f"{product.name} has no picture now."

        return self._confirm(request, object_id, question, act)

    @action(description="Activate", url_path="activate", icon="check_circle")
    def activate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let everybody see the product."""

        def act(product: Product) -> str:
            self._activate(request, product)
            return f"{product.name} is on sale."

        return self._confirm(request, object_id, _about_one(_ACTIVATE), act)

    @action(description="Archive", url_path="archive", icon="archive", variant=ActionVariant.DANGER)
    def archive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take the product off sale."""

        def act(product: Product) -> str:
            self._archive(request, product)
            return f"{product.name} is archived."

        return self._confirm(request, object_id, _about_one(_ARCHIVE), act)

    def _confirm(
        self,
        request: HttpRequest,
        object_id: str,
        question: Question,
        act: Callable[[Product], str],
    ) -> HttpResponse:
        product: Product = self.object_or_404(request, object_id)
        return self.confirmed(request, product, question, lambda _: act(product))

    def _activate(self, request: HttpRequest, product: Product) -> None:
        products.update_product(
            slug=product.slug, values={"status": ProductStatus.ACTIVE}, by=actor_id(request)
        )

    def _archive(self, request: HttpRequest, product: Product) -> None:
        products.archive_product(slug=product.slug, by=actor_id(request))


def _about_one(question: Question) -> Question:
    """Return a question about selected rows as one about a single product."""
    return replace(question, title=question.title.format("product"))


def _newest_movement(product: Product) -> int:
    newest = product.movements.order_by("-id").values_list("id", flat=True).first()
    return newest or 0
