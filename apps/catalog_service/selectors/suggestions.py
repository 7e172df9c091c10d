"""What may be meant by what someone has typed so far."""

from dataclasses import dataclass
from typing import Any, Final

from apps.catalog_service.selectors import search
from apps.catalog_service.selectors.products import VISIBLE
from chassis.database import fetch

_MOST_CATEGORIES: Final = 3
_RANKED: Final = 60
"""So many products are looked at: several may have one name."""

_CATEGORIES: Final = """
SELECT name, slug FROM category
WHERE starts_with(lower(name), %(text)s) OR position(' ' || %(text)s IN lower(name)) > 0
ORDER BY starts_with(lower(name), %(text)s) DESC, nlevel(path), name, slug LIMIT %(limit)s
"""
_PRODUCTS: Final = """
SELECT product.name, product.slug
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS best (id, place) JOIN product USING (id)
ORDER BY place
"""
_WORDS: Final = """
SELECT word FROM (
    SELECT word, similarity(word, unaccent(%(text)s)) AS alike FROM search_word
    WHERE of_name AND word %% unaccent(%(text)s)
) AS similar_words
WHERE word <> unaccent(%(text)s)
ORDER BY alike DESC, word LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something to search for, or to go to by its slug: a `product` or `category`; a `word` has none."""

    text: str
    kind: str
    slug: str | None = None


def suggest(q: str, *, limit: int) -> list[Suggestion]:
    """Return categories, products and then words that begin with `q`, hold it, or are like it.

    Of what everyone sees. At most eight queries, each along an index or through the categories.
    """
    words = search.complete(q)
    if not words.text:
        return []
    values = {**words.parameters(), "limit": limit}
    categories = fetch(_CATEGORIES, {**values, "limit": _MOST_CATEGORIES}, prepare=True)
    found = [Suggestion(name, "category", slug) for name, slug in categories]
    found += _products(values)
    if len(found) < limit and " " not in words.text:
        found += [Suggestion(word, "word") for (word,) in fetch(_WORDS, values, prepare=True)]
    return found[:limit]


def _products(values: dict[str, Any]) -> list[Suggestion]:
    """Return the best products, one of each name."""
    best = search.rank(values, where=VISIBLE, limit=_RANKED)
    ids = [product_id for product_id, _ in best]
    named: dict[str, Suggestion] = {}
    for name, slug in fetch(_PRODUCTS, {"ids": ids}, prepare=True):
        named.setdefault(name.lower(), Suggestion(name, "product", slug))
    return list(named.values())
