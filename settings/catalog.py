"""Settings of the catalog service."""

from settings import base, env, storage

_ENV = env.read(env.CATALOG)

_COMMON = base.common(env.CATALOG, _ENV, apps=["django.contrib.postgres", "django_ltree"])
_COMMON["DATABASES"]["default"]["OPTIONS"]["options"] += (
    # How much of a word must look like a misspelt one. Of 17 usual misspellings of our demo names
    # PostgreSQL's own 0.3 misses one, and with a quarter none is missed.
    " -c pg_trgm.similarity_threshold=0.25"
    # Several pages of one search must be cut from the same walk through the products, by one process.
    " -c synchronize_seqscans=off -c max_parallel_workers_per_gather=0"
    # As of a disk without a head to move, and of indexes of words, whose entries cost more than the
    # planner believes: else it intersects indexes at length where a short walk would do (ADR 0022).
    " -c random_page_cost=1.1 -c cpu_index_tuple_cost=0.02 -c work_mem=16MB"
)
_COMMON["STORAGES"] |= storage.storages(_ENV)
globals().update(_COMMON)

KEPT_READS = "apps.catalog_service.api.reading.answers"
ORDER_URL = _ENV["ORDER_URL"].rstrip("/")
SHOP_CURRENCY = _ENV["SHOP_CURRENCY"]
RESERVATION_SECONDS = _ENV["RESERVATION_SECONDS"]
SHOWN_AVAILABLE = _ENV["SHOWN_AVAILABLE"]
LOW_STOCK = _ENV["LOW_STOCK"]
SEARCH_LANGUAGE = _ENV["SEARCH_LANGUAGE"]
MEDIA_ROOT = _ENV["MEDIA_ROOT"]
FILES_ROOT = _ENV["FILES_ROOT"]
MEDIA_URL = "/media/catalog/"
