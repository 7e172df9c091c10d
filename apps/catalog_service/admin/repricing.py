"""Many prices at once: a rule, what it would do, and then the same again for good."""

import hashlib
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import action as list_action
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.catalog_service.admin.links import list_url
from apps.catalog_service.forms.products import RepriceForm
from apps.catalog_service.models import Product
from apps.catalog_service.services import prices
from apps.catalog_service.services.prices import Preview
from chassis.admin.display import number_of
from chassis.admin.filters import as_uuid
from chassis.admin.options import MOST_AT_ONCE, ServiceModelAdmin, actor_id
from chassis.admin.theme import action
from chassis.errors import PublicError

MOST_PRICES: Final = 10_000
"""Products that one rule is applied to; a filter narrows them."""

_SHOWN: Final = 200


class RepricingAdmin(ServiceModelAdmin):
    """The products of a list, or the selected ones, get new prices by one rule."""

    @action(description="Change prices", url_path="reprice", icon="percent")
    def reprice(self, request: HttpRequest) -> HttpResponse:
        """Ask for a rule, show what it would do, and do it."""
        selected = request.POST.get("ids")
        if selected is None:
            return self._reprice(request, self._listed(request), ids=None)
        return self._reprice(request, Product.objects.filter(pk__in=_uuids(selected)), ids=selected)

    @list_action(description="Change prices")
    def reprice_selected(self, request: HttpRequest, queryset: QuerySet[Product]) -> HttpResponse:
        """Ask for a rule for the selected products."""
        ids = ",".join(str(row) for row in queryset.values_list("pk", flat=True)[:MOST_AT_ONCE])
        return self._reprice(request, queryset, ids=ids)

    def _listed(self, request: HttpRequest) -> QuerySet[Product]:
        """Return the products of the list that the address narrows as the list's own does."""
        try:
            rows: QuerySet[Product] = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters as error:
            raise BadRequest from error
        return rows

    def _reprice(
        self, request: HttpRequest, rows: QuerySet[Product], *, ids: str | None
    ) -> HttpResponse:
        chosen = list(rows.order_by("-pk").values_list("pk", flat=True)[: MOST_PRICES + 1])
        back = f"{list_url('product')}?{request.GET.urlencode()}".rstrip("?")
        if refusal := _refusal(len(chosen)):
            self.message_user(request, refusal, messages.ERROR)
            return HttpResponseRedirect(back)
        is_sent = "kind" in request.POST
        form = RepriceForm(request.POST if is_sent else None)
        previews: Sequence[Preview] = ()
        if is_sent and form.is_valid():
            previews = self._previewed(form, chosen)
            if previews and "apply" in request.POST:
                if request.POST.get("seen") == _digest(previews):
                    self._apply(request, form, previews)
                    return HttpResponseRedirect(back)
                form.add_error(None, "These are not the prices that you saw: look at them again.")
        return self.page(
            request,
            "catalog/admin/reprice.html",
            title="Change prices",
            form=form,
            ids=ids,
            number=number_of(len(chosen), Product),
            url=f"{reverse('admin:catalog_product_reprice')}?{request.GET.urlencode()}",
            previews=previews[:_SHOWN],
            hidden_rows=max(0, len(previews) - _SHOWN),
            changed=sum(one.old != one.new for one in previews),
            seen=_digest(previews),
            back=back,
        )

    def _previewed(self, form: RepriceForm, chosen: list[UUID]) -> Sequence[Preview]:
        try:
            return prices.preview(chosen, form.cleaned_data["rule"])
        except PublicError as error:
            form.add_error(None, str(error))
            return ()

    def _apply(self, request: HttpRequest, form: RepriceForm, previews: Sequence[Preview]) -> None:
        """Change the prices that were seen: a second sending finds others, and changes nothing."""
        skipped: list[Preview] = []

        def act() -> str:
            done = prices.reprice(
                product_ids=[one.product_id for one in previews],
                change=form.cleaned_data["rule"],
                by=actor_id(request),
                expected={one.product_id: one.old for one in previews},
            )
            skipped.extend(done.skipped)
            return f"{number_of(done.changed, Product)} repriced."

        self.run(request, act)
        if skipped:
            told = f"{number_of(len(skipped), Product)} could not be repriced: the price changed meanwhile."
            self.message_user(request, told, messages.WARNING)


def _refusal(number: int) -> str:
    if not number:
        return "There are no such products."
    if number > MOST_PRICES:
        return f"These are more than {MOST_PRICES:,} products: narrow the list first."
    return ""


def _uuids(text: str) -> list[UUID]:
    """Return the ids of a form's field.

    Raises:
        BadRequest: they are none, or too many.
    """
    ids = [as_uuid(one) for one in text.split(",")]
    if None in ids or len(ids) > MOST_AT_ONCE:
        raise BadRequest
    return [one for one in ids if one is not None]


def _digest(previews: Sequence[Preview]) -> str:
    """Return a name for what a preview tells."""
    lines = (f"{one.product_id} {one.old} {one.new}\n" for one in previews)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
