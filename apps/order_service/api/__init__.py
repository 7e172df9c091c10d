"""The API of the order service: thin views, and what each failure is in HTTP."""

from collections.abc import Mapping
from typing import Final

from apps.order_service import errors
from chassis.errors import NotFound, PublicError

ERROR_STATUSES: Final[Mapping[type[PublicError], int]] = {
    errors.IdempotencyKeyRequired: 400,
    errors.IdempotencyKeyInvalid: 400,
    errors.WebhookSignatureInvalid: 401,
    errors.WebhookExpired: 401,
    errors.PaymentDeclined: 402,
    NotFound: 404,
    errors.IdempotencyInProgress: 409,
    errors.OutOfStock: 409,
    errors.CartEmpty: 409,
    errors.CartFull: 409,
    errors.PriceChanged: 409,
    errors.TooManyOpenOrders: 409,
    errors.StateConflict: 409,
    errors.PaymentExpired: 409,
    errors.WebhookReplayed: 409,
    errors.IdempotencyKeyReused: 422,
    errors.UnknownSku: 422,
    errors.PaymentMismatch: 422,
}
