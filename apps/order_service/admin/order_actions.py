"""What is done to an order by a button or to selected ones: each asks, and calls one service."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from django.contrib.admin import action as list_action
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apps.order_service import services
from apps.order_service.admin.links import order_url
from apps.order_service.domain import states
from apps.order_service.domain.states import OrderStatus
from apps.order_service.forms.orders import NoteForm, ReasonForm, RefundForm
from apps.order_service.models import Order
from chassis.admin.asking import Question
from chassis.admin.filters import as_uuid
from chassis.admin.options import MOST_AT_ONCE, ServiceModelAdmin, actor_id
from chassis.admin.theme import ActionVariant, action

_SHIP: Final = Question(
    title="Ship {}",
    text="The goods are on their way. The customer gets a mail.",
    button="Ship",
    done="shipped",
)
_DELIVER: Final = Question(
    title="Deliver {}",
    text="The goods have arrived. The customer gets a mail.",
    button="Deliver",
    done="delivered",
)
_CANCEL: Final = Question(
    title="Cancel {}",
    text="What is reserved goes back into stock, and money that was paid goes back to the"
    " customer, who gets a mail. It cannot be undone.",
    button="Cancel the order",
    back="Keep the order",
    done="cancelled",
    danger=True,
)
_TARGETS: Final = {
    "ship": OrderStatus.SHIPPED,
    "deliver": OrderStatus.DELIVERED,
    "cancel": OrderStatus.CANCELLED,
    "refund": OrderStatus.REFUNDED,
}
"""Where each button leads; it is shown in the states from which a way leads there."""


class OrderActionsAdmin(ServiceModelAdmin):
    """The buttons of an order's page, and those of the list."""

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Return the buttons that fit the order's state."""
        order_id = as_uuid(str(object_id))
        order = Order.objects.filter(pk=order_id).first() if order_id else None
        hidden = set(_TARGETS) if order is None else _TARGETS.keys() - _possible(order)
        return self.buttons_but(request, object_id, hidden)

    @action(description="Ship", url_path="ship", icon="local_shipping")
    def ship(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Tell that the goods are on their way."""

        def act(order: Order, typed: dict[str, Any]) -> str:
            services.ship_order(order_id=order.pk, who=who(request), note=typed["note"])
            return f"{order.number} is shipped."

        return self._asked(request, object_id, _SHIP, NoteForm, act)

    @action(description="Deliver", url_path="deliver", icon="home")
    def deliver(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Tell that the goods have arrived."""

        def act(order: Order, typed: dict[str, Any]) -> str:
            services.deliver_order(order_id=order.pk, who=who(request), note=typed["note"])
            return f"{order.number} is delivered."

        return self._asked(request, object_id, _DELIVER, NoteForm, act)

    @action(
        description="Cancel order", url_path="cancel", icon="cancel", variant=ActionVariant.DANGER
    )
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the order up."""

        def act(order: Order, typed: dict[str, Any]) -> str:
            services.cancel_order(order_id=order.pk, who=who(request), reason=typed["reason"])
            return f"{order.number} is cancelled."

        return self._asked(request, object_id, _CANCEL, ReasonForm, act)

    @action(description="Refund", url_path="refund", icon="undo", variant=ActionVariant.DANGER)
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the money back."""
        question = Question(
            title="Refund {}",
            text="All that was paid goes back to the customer, who gets a mail. It cannot be"
            " undone.",
            button="Refund",
            danger=True,
        )

        def act(order: Order, typed: dict[str, Any]) -> str:
            services.refund_order(order_id=order.pk, who=who(request), **typed)
            return f"{order.number} is refunded: the money is on its way back."

        return self._asked(request, object_id, question, RefundForm, act)

    def _asked(
        self,
        request: HttpRequest,
        object_id: str,
        question: Question,
        form_class: type[Form],
        act: Callable[[Order, dict[str, Any]], str],
    ) -> HttpResponse:
        """Ask with a form, and act once it is sent; what the order's state refuses is told there."""
        order: Order = self.object_or_404(request, object_id)
        # What was never sent is with the shop.
        initial = {"restock": order.status == OrderStatus.PAID}
        form = form_class(request.POST or None, initial=initial)
        back = order_url(order.pk)
        if request.method == "POST" and self.submitted(
            request, form, lambda typed: act(order, typed)
        ):
            return HttpResponseRedirect(back)
        asked = replace(question, title=question.title.format("order"))
        return self.ask(request, asked, back=back, about=order, form=form)

    # The list

    @list_action(description="Ship")
    def ship_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Tell that the goods of the selected orders are on their way."""
        rows = queryset.filter(status=OrderStatus.PAID)[:MOST_AT_ONCE]
        return self.confirmed_selection(
            request,
            list(rows),
            _SHIP,
            lambda row: services.ship_order(order_id=row.pk, who=who(request)),
        )

    @list_action(description="Deliver")
    def deliver_selected(
        self, request: HttpRequest, queryset: QuerySet[Order]
    ) -> HttpResponse | None:
        """Tell that the goods of the selected orders have arrived."""
        rows = queryset.filter(status=OrderStatus.SHIPPED)[:MOST_AT_ONCE]
        return self.confirmed_selection(
            request,
            list(rows),
            _DELIVER,
            lambda row: services.deliver_order(order_id=row.pk, who=who(request)),
        )

    @list_action(description="Cancel orders")
    def cancel_selected(
        self, request: HttpRequest, queryset: QuerySet[Order]
    ) -> HttpResponse | None:
        """Give the selected orders up, all for one reason."""
        form = ReasonForm(request.POST if "reason" in request.POST else None)
        rows = [row for row in queryset[:MOST_AT_ONCE] if "cancel" in _possible(row)]
        return self.confirmed_selection(
            request,
            rows,
            replace(_CANCEL, button="Cancel the orders", back="Keep them"),
            lambda row: services.cancel_order(
                order_id=row.pk, who=who(request), reason=form.cleaned_data["reason"]
            ),
            form=form,
        )


def _possible(order: Order) -> set[str]:
    """Return the actions that the order's state allows; no way out leads past a payment in flight."""
    if order.payment_in_flight:
        return set()
    ways = states.TRANSITIONS[OrderStatus(order.status)]
    return {name for name, target in _TARGETS.items() if target in ways}


def who(request: HttpRequest) -> str:
    """Return who asks, as the history of orders has it."""
    return f"staff:{actor_id(request)}"
