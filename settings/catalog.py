"""Settings of the catalog service."""

from settings import base, env

_ENV = env.read(env.CATALOG)

globals().update(base.common(env.CATALOG, _ENV, apps=["django.contrib.postgres"]))

SHOP_CURRENCY = _ENV["SHOP_CURRENCY"]
RESERVATION_SECONDS = _ENV["RESERVATION_SECONDS"]
MEDIA_ROOT = _ENV["MEDIA_ROOT"]
MEDIA_URL = "/media/catalog/"
