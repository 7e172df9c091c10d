"""Settings of the order service."""

from settings import base, env

_ENV = env.read(env.ORDER)

globals().update(base.common(env.ORDER, _ENV))

SHOP_CURRENCY = _ENV["SHOP_CURRENCY"]
CATALOG_URL = _ENV["CATALOG_URL"].rstrip("/")

# drf-spectacular names an enum after its field, and two models have a field `status`.
globals()["SPECTACULAR_SETTINGS"]["ENUM_NAME_OVERRIDES"] = {
    "OrderStatus": "apps.order_service.serializers.ORDER_STATUSES",
    "PaymentStatus": "apps.order_service.serializers.PAYMENT_STATUSES",
}
