"""Mail to customers about their orders.

A mail tells what happened, from what does not change any more: lines, prices and address of the order.
It is right however late it is sent, but for a promise that was broken since: that one is left out.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from apps.order_service import selectors
from apps.order_service.domain import addresses
from apps.order_service.domain.lines import from_stored
from apps.order_service.domain.states import OrderStatus
from apps.order_service.selectors import News
from chassis import mail

_SUBJECTS: Final[Mapping[OrderStatus, str]] = {
    OrderStatus.PLACED: "We have your order {number}",
    OrderStatus.PAID: "Your order {number} is paid",
    OrderStatus.SHIPPED: "Your order {number} is on its way",
    OrderStatus.DELIVERED: "Your order {number} was delivered",
    OrderStatus.CANCELLED: "Your order {number} is cancelled",
    OrderStatus.REFUNDED: "Refund for your order {number}",
    OrderStatus.REJECTED: "Your order {number} could not be placed",
}

_BROKEN_BY: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.PLACED: frozenset({OrderStatus.CANCELLED, OrderStatus.REFUNDED}),
    OrderStatus.PAID: frozenset({OrderStatus.CANCELLED, OrderStatus.REFUNDED}),
    OrderStatus.SHIPPED: frozenset({OrderStatus.DELIVERED, OrderStatus.REFUNDED}),
}
"""What each mail says comes next is no longer true of an order in one of these."""

_SPACE: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


class NobodyToTell(Exception):
    """The order, or the customer's address, has not arrived here; try again later."""


def mail_customer(*, order_id: UUID, status: OrderStatus, message_id: str) -> str:
    """Tell the customer that an order came to a status; return what was done.

    Sends last of all. Not idempotent: the caller's inbox sees to it.

    Raises:
        NobodyToTell: the order or its customer is not known yet.
        MailFailed: the mail was not taken.
    """
    news = selectors.find_news(order_id, status)
    if news is None:
        raise NobodyToTell(f"order {order_id} is not known to be {status}")
    if status is OrderStatus.REJECTED and not news.who.startswith("job:"):
        return "the customer was told at once"
    if news.status in _BROKEN_BY.get(status, ()):
        return f"left out: the order is {news.status}"
    if news.email is None:
        raise NobodyToTell(f"user {news.user_id} is not known")
    return mail.send(
        to=news.email,
        subject=_SUBJECTS[status].format(number=news.number),
        template="orders/mail/order",
        context=_context(news, status),
        message_id=message_id,
    )


def _context(news: News, status: OrderStatus) -> dict[str, Any]:
    total = _money(news.total, news)
    return {
        "name": _one_line(news.name or ""),
        "words": _words(news, status, total),
        "lines": _lines(news),
        "subtotal": _money(news.subtotal, news),
        "shipping": _money(news.shipping, news),
        "tax": _money(news.tax, news),
        "total": total,
        "address": [_one_line(line) for line in addresses.parcel_lines(news.shipping_address)],
    }


def _words(news: News, status: OrderStatus, total: str) -> str:
    """Return what a mail is about, once for its text and its HTML."""
    by = news.who.partition(":")[0]
    values = {"news": news, "total": total, "by": by}
    return mail.render(f"orders/mail/{status}.txt", values)


def _lines(news: News) -> list[dict[str, str]]:
    """Return what is in the order; of one that never had prices what was asked for."""
    priced = [
        {
            "name": _one_line(line.name),
            "count": f"{line.quantity} x {_money(line.unit_price, news)}",
            "total": _money(line.line_total, news),
        }
        for line in news.lines
    ]
    return priced or [
        {"name": f"{line.quantity} x {_one_line(line.sku)}"}
        for line in from_stored(news.requested_lines)
    ]


def _money(amount: Decimal | None, news: News) -> str:
    return "" if amount is None else f"{amount:,.2f} {news.currency}"


def _one_line(text: str) -> str:
    """Return text of others as one line: in a mail's text it could pass for words of ours."""
    return _SPACE.sub(" ", text).strip()
