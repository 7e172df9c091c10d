"""What is searched for: words as they are meant, and the products that have them (ADR 0022)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import Any, Final
from uuid import UUID

from chassis.database import fetch
from chassis.pagination import Order, Position

ORDER: Final = Order(("-rank", "-id"))
"""The best match first."""

CANDIDATES: Final = ((20_000, 10_000), (200_000, 300), (inf, 60))
"""Most matches that are ranked of those that are met first, in shops of up to so many products.

All of a usual word would take half a second among a million.
"""

# Beneath every rank.
_UNRANKED: Final = -1
_BEST_SELLERS: Final = 200
_NAMES: Final = 60

_USUAL: Final = 15_000
_HAS_WORDS: Final = "product.search @@ %(tsquery)s::tsquery"
# The same, and no index serves it.
_HAS_WORDS_SEEN: Final = "ts_match_vq(product.search, %(tsquery)s::tsquery)"

ATTRIBUTES: Final = "product.attributes @>"
"""What a condition on attributes begins with."""

_ATTRIBUTES_SEEN: Final = "(product.attributes || '{}') @>"

# A cursor holds it exactly. The rank of the text and what popularity adds are under 1 both.
_RANK: Final = """
round((
    CASE WHEN lower(product.name) = %(text)s OR product.sku = ANY(%(skus)s) THEN 4
         WHEN starts_with(lower(product.name), %(text)s) THEN 2 ELSE 0 END
    + ts_rank(product.search, %(tsquery)s::tsquery, 1)
    + 0.03 * ln(1 + product.popularity)
)::numeric, 6) AS rank
"""
# Few matches come from the indexes, many from a walk through the products: the planner knows which is
# quicker when it sees the words. Where many match, those that are not to be missed are looked at too,
# and behind all that are ranked come the others, along the primary key.
_BEST: Final = f"""
WITH met AS MATERIALIZED (
    SELECT id, {{rank}} FROM (SELECT * FROM product WHERE {{match}} AND {{where}} LIMIT {{most}}) AS product
), candidates AS (
    SELECT id, rank FROM met
    UNION
    SELECT id, {{rank}} FROM (
        SELECT * FROM product WHERE (SELECT count(*) FROM met) = {{most}}
        ORDER BY popularity DESC, id DESC LIMIT {{best_sellers}}
    ) AS product WHERE {_HAS_WORDS_SEEN} AND {{where}}
    UNION
    SELECT id, {{rank}} FROM (
        SELECT * FROM product
        WHERE (SELECT count(*) FROM met) = {{most}}
          AND lower(name) ~>=~ %(text)s AND lower(name) ~<~ (%(text)s || chr(1114111))
        ORDER BY lower(name) USING ~<~ LIMIT {{names}}
    ) AS product WHERE {_HAS_WORDS_SEEN} AND {{where}}
    {{of_sku}}
), best AS MATERIALIZED (
    SELECT id, rank FROM candidates WHERE {{after}} ORDER BY {{order}} LIMIT {{limit}}
)
SELECT id, rank FROM best
UNION ALL
SELECT id, rank FROM (
    SELECT id, {_UNRANKED}::numeric AS rank FROM product
    WHERE (SELECT count(*) FROM met) = {{most}} AND {{rest}}
      AND {{match}} AND {{where}} AND id NOT IN (SELECT id FROM candidates)
    ORDER BY {{order_of_rest}} LIMIT {{limit}}
) AS unranked
ORDER BY {{order}} LIMIT {{limit}}
"""  # noqa: S608 -- put together from constants alone
_OF_SKU: Final = "UNION SELECT id, {rank} FROM product WHERE sku = ANY(%(skus)s) AND {where}"
_EXPECTED: Final = "EXPLAIN SELECT FROM product WHERE {condition}"
_ROWS: Final = re.compile(r" rows=([0-9]+)")

# What is typed by itself: neither quoted nor taken out.
_QUOTED_OR_NEGATED: Final = re.compile(r"\"[^\"]*(\"|$)|(?<!\w)-\S*")

# As the planner has it; -1 of a table that is too young.
_PRODUCTS: Final = "(SELECT reltuples::bigint FROM pg_class WHERE oid = 'product'::regclass)"

# The first words that begin with `word`, the shortest first. In the order of the index, letter by letter.
_BEGUN: Final = """
SELECT lexeme FROM search_word AS longer
WHERE longer.of_name AND longer.word ~>=~ {word} AND longer.word ~<~ ({word} || chr(1114111))
ORDER BY length(longer.word), longer.word LIMIT 10
"""
# A word that no product has becomes the words that begin with it, or else those most like it.
_READ: Final = f"""
WITH RECURSIVE unknown AS MATERIALIZED (
    SELECT row_number() OVER () AS number, word, lexeme
    FROM (
        SELECT word, (tsvector_to_array(to_tsvector('souk', word)))[1] AS lexeme
        FROM unnest(tsvector_to_array(to_tsvector('souk_words', %(plain)s::text))) AS word
        WHERE word ~ '^[[:alpha:]]{{2,50}}$'
    ) AS given
    WHERE lexeme IS NOT NULL
      AND NOT EXISTS (SELECT FROM search_word AS known WHERE known.lexeme = given.lexeme)
), meant AS (
    SELECT number, unknown.lexeme::tsquery AS target,
           coalesce(
               (SELECT string_agg(DISTINCT lexeme, ' | ')
                FROM ({_BEGUN.format(word="unknown.word")}) AS begun),
               (SELECT string_agg(DISTINCT lexeme, ' | ') FROM (
                   SELECT lexeme FROM search_word AS alike
                   WHERE alike.of_name AND alike.word %% unknown.word
                   ORDER BY similarity(alike.word, unknown.word) DESC, alike.word LIMIT 3
               ) AS similar_ones),
               unknown.lexeme
           )::tsquery AS substitute
    FROM unknown
), read AS (
    SELECT 0::bigint AS number, websearch_to_tsquery('souk', %(q)s::text) AS query
    UNION ALL
    SELECT meant.number, ts_rewrite(read.query, meant.target, meant.substitute)
    FROM read JOIN meant ON meant.number = read.number + 1
)
SELECT query::text, ARRAY(SELECT sku FROM product WHERE sku = ANY(%(skus)s::text[])), {_PRODUCTS}
FROM read ORDER BY number DESC LIMIT 1
"""  # noqa: S608 -- put together from constants alone
_COMPLETE: Final = f"""
SELECT (%(before)s::tsquery && string_agg(DISTINCT lexeme, ' | ')::tsquery)::text, {_PRODUCTS}
FROM ({_BEGUN.format(word="unaccent(lower(%(last)s::text))")}) AS begun
WHERE lexeme ~ '^[[:alpha:]]+$'
"""  # noqa: S608 -- put together from constants alone


@dataclass(frozen=True, slots=True)
class Words:
    """Words as they are meant.

    Args:
        text: what was asked for, lower-case, spaces single.
        tsquery: the text of a tsquery of the configuration `souk`.
        products: how many the shop has, roughly.
        skus: those that the text itself is.
    """

    text: str
    tsquery: str
    products: int
    skus: tuple[str, ...] = ()

    def parameters(self) -> dict[str, Any]:
        """Return the values of this module's fragments of SQL."""
        return {
            "tsquery": self.tsquery,
            "text": self.text,
            "skus": list(self.skus),
            "most": next(most for products, most in CANDIDATES if self.products <= products),
        }


def read(q: str) -> Words:
    """Return what is meant by `q`; one query.

    Quotes, minus and `or` mean what PostgreSQL's websearch_to_tsquery makes of them. Whatever else
    there is of operators counts as space, so that no text is refused.
    """
    text = _plain(q)
    values = {
        "q": q,
        "plain": _QUOTED_OR_NEGATED.sub(" ", q),
        "skus": [q.strip(), text, text.upper()],
    }
    ((tsquery, skus, products),) = fetch(_READ, values, prepare=True)
    return Words(text, tsquery, products, tuple(skus))


def match(values: Mapping[str, Any]) -> str:
    """Return the condition on `product` that it is what is searched for, by these `Words.parameters`."""
    # As a part of every search it would take a third of a millisecond more.
    return f"({_HAS_WORDS} OR product.sku = ANY(%(skus)s))" if values["skus"] else _HAS_WORDS


def complete(q: str) -> Words:
    """Return what is meant by `q` while its last word is still typed; two queries at most.

    Where no word begins so, it is read as a whole one.
    """
    before, _, last = _plain(q).rpartition(" ")
    tsquery = read(before).tsquery if before else ""
    ((completed, products),) = fetch(_COMPLETE, {"before": tsquery, "last": last}, prepare=True)
    return read(q) if completed is None else Words(_plain(q), completed, products)


def _plain(q: str) -> str:
    return " ".join(q.lower().split())


def rank(
    values: Mapping[str, Any],
    *,
    where: str,
    is_narrowed: bool,
    limit: int,
    position: Position = Position(ORDER, ""),  # noqa: B008 -- frozen
) -> list[tuple[UUID, Decimal]]:
    """Return matches in the position's direction, as id and rank; one query, or two of a narrowed list.

    What few products have is ranked in full. Of what many have the first matches that are met are
    ranked, all that are among the best sellers, and names that begin with what is searched for; behind
    them come all others, the newest first. They are the same each time until products change, so
    that pages can be cut from them.

    Args:
        values: of `Words.parameters`, of the conditions, and of the position as `Order.sql_after` has them.
        where: the other conditions on `product`.
        is_narrowed: whether they keep more out than what the caller may not see.
        limit: most of them.
        position: of `ORDER`, where a page begins.
    """
    has_words, where = _by_one_index(where, values) if is_narrowed else (_HAS_WORDS, where)
    direction = position.direction
    statement = _BEST.format(
        match=has_words,
        of_sku=_OF_SKU.format(rank=_RANK, where=where) if values["skus"] else "",
        where=where,
        rank=_RANK,
        most=values["most"],
        best_sellers=_BEST_SELLERS,
        names=_NAMES,
        after="true" if position.values is None else direction.sql_after(),
        order=direction.sql_order(),
        rest=_rest(position, limit),
        order_of_rest="id DESC" if direction.is_falling else "id",
        limit=limit,
    )
    return [(id_, rank_) for id_, rank_ in fetch(statement, values)]


def _rest(position: Position, limit: int) -> str:
    """Return the condition on what is not ranked that it may stand on the page."""
    is_in_it = position.values is not None and Decimal(position.values[0]) == _UNRANKED
    if position.backwards:
        return "id > %(after_1)s" if is_in_it else "false"
    if is_in_it:
        return "id < %(after_1)s"
    return f"(SELECT count(*) FROM best) < {limit}"  # noqa: S608 -- a number


def _by_one_index(where: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """Return the condition of the words and the others, so that the planner finds one good way.

    It would intersect the index of words with another, which takes long where both are: an index of
    attributes is read as a whole too. So the rarer of them is looked up, and the other is seen.
    """
    words = _expected(_HAS_WORDS, values)
    if ATTRIBUTES not in where:
        return (_HAS_WORDS_SEEN if words > _USUAL else _HAS_WORDS), where
    if 2 * _expected(where, values) < words:
        return _HAS_WORDS_SEEN, where
    return _HAS_WORDS, where.replace(ATTRIBUTES, _ATTRIBUTES_SEEN)


def _expected(condition: str, values: Mapping[str, Any]) -> int:
    """Return how many products the planner expects."""
    plan = fetch(_EXPECTED.format(condition=condition), values)
    expected = _ROWS.search(plan[0][0])
    return int(expected[1]) if expected else 0
