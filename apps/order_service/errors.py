"""What a caller of this service may be told. HTTP statuses are in api.py."""

from chassis.errors import PublicError


class IdempotencyKeyRequired(PublicError):
    """The call needs a key, so that a repeated one does nothing twice."""

    code = "idempotency-key-required"
    title = "Send an Idempotency-Key header"


class IdempotencyKeyInvalid(PublicError):
    """The key is not 1 to 255 printable ASCII characters."""

    code = "idempotency-key-invalid"
    title = "The Idempotency-Key must be 1 to 255 printable ASCII characters"


class IdempotencyKeyReused(PublicError):
    """The key came before with another body."""

    code = "idempotency-key-reused"
    title = "This Idempotency-Key was used with another body"


class IdempotencyInProgress(PublicError):
    """The first call with this key has no answer yet."""

    code = "idempotency-in-progress"
    title = "The first request with this Idempotency-Key is still running"


class OutOfStock(PublicError):
    """Some lines cannot be had in full; nothing is reserved."""

    code = "out-of-stock"
    title = "Not enough in stock"


class UnknownSku(PublicError):
    """Some skus are not for sale."""

    code = "unknown-sku"
    title = "Some products do not exist"


class PriceChanged(PublicError):
    """The order costs other than the customer was shown; nothing is reserved."""

    code = "price-changed"
    title = "The total has changed"


class TooManyOpenOrders(PublicError):
    """The user holds as many unpaid orders as one may."""

    code = "too-many-open-orders"
    title = "Pay or cancel an open order first"


class CartEmpty(PublicError):
    """There is nothing to check out."""

    code = "cart-empty"
    title = "The cart is empty"


class CartFull(PublicError):
    """The cart has as many lines as an order may have."""

    code = "cart-full"
    title = "The cart is full"


class StateConflict(PublicError):
    """The order's status does not allow it."""

    code = "state-conflict"
    title = "The order's status does not allow this"


class TooManyPayments(StateConflict):
    """The order was tried to be paid too often."""

    code = "too-many-payments"
    title = "Cancel this order and place another"


class PaymentExpired(PublicError):
    """The time to pay is over."""

    code = "payment-expired"
    title = "The time to pay for this order is over"


class PaymentDeclined(PublicError):
    """The provider took no money."""

    code = "payment-declined"
    title = "The payment was declined"


class PaymentMismatch(PublicError):
    """The provider speaks of another amount or currency than the order's."""

    code = "payment-mismatch"
    title = "The amount or the currency is not the order's"


class WebhookSignatureInvalid(PublicError):
    """The message is not signed, or not by the payment provider."""

    code = "webhook-signature-invalid"
    title = "The message's signature is not valid"


class WebhookExpired(PublicError):
    """The message was signed by the payment provider, and not lately."""

    code = "webhook-expired"
    title = "The message's time is over"


class WebhookReplayed(PublicError):
    """The message came before."""

    code = "webhook-replayed"
    title = "This message was taken before"
