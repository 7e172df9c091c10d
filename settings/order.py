"""Settings of the order service."""

from decimal import Decimal

from settings import base, env

_ENV = env.read(env.ORDER)

globals().update(base.common(env.ORDER, _ENV))

SHOP_CURRENCY = _ENV["SHOP_CURRENCY"]
SHIPPING_PRICE = Decimal(_ENV["SHIPPING_PRICE"])
TAX_RATE = Decimal(_ENV["TAX_RATE"])
TAX_RATES = {
    country: Decimal(rate)
    for country, _, rate in (entry.partition("=") for entry in _ENV["TAX_RATES"])
}
OPEN_ORDERS_LIMIT = _ENV["OPEN_ORDERS_LIMIT"]
PAYMENT_PROVIDER = _ENV["PAYMENT_PROVIDER"]
WEBHOOK_SECRETS = _ENV["WEBHOOK_SECRETS"]
CATALOG_URL = _ENV["CATALOG_URL"].rstrip("/")

# drf-spectacular names an enum after its field, and two models have a field `status`.
globals()["SPECTACULAR_SETTINGS"]["ENUM_NAME_OVERRIDES"] = {
    "OrderStatus": "apps.order_service.serializers.ORDER_STATUSES",
    "PaymentStatus": "apps.order_service.serializers.PAYMENT_STATUSES",
}
