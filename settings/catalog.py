"""Settings of the catalog service."""

from settings import base, env

_ENV = env.read(env.CATALOG)

_COMMON = base.common(env.CATALOG, _ENV, apps=["django.contrib.postgres", "django_ltree"])
# How much of a name must look like the words searched for. Of 17 usual misspellings of our demo
# names PostgreSQL's own 0.6 finds 8, and 0.4 all, and neither finds nonsense words.
_COMMON["DATABASES"]["default"]["OPTIONS"]["options"] += " -c pg_trgm.word_similarity_threshold=0.4"
globals().update(_COMMON)

SHOP_CURRENCY = _ENV["SHOP_CURRENCY"]
RESERVATION_SECONDS = _ENV["RESERVATION_SECONDS"]
SHOWN_AVAILABLE = _ENV["SHOWN_AVAILABLE"]
LOW_STOCK = _ENV["LOW_STOCK"]
SEARCH_LANGUAGE = _ENV["SEARCH_LANGUAGE"]
MEDIA_ROOT = _ENV["MEDIA_ROOT"]
FILES_ROOT = _ENV["FILES_ROOT"]
MEDIA_URL = "/media/catalog/"
