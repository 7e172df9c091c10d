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
_BEST_SELLERS: Final = 100
_NAMES: Final = 60

_HAS_WORDS: Final = "product.search @@ %(tsquery)s::tsquery"

# A cursor holds it exactly. The rank of the text and what popularity adds are under 1 both.
_RANK: Final = """
round((
    CASE WHEN lower(product.name) = %(text)s OR lower(product.sku) = %(text)s THEN 4
         WHEN starts_with(lower(product.name), %(text)s) OR product.sku = ANY(%(skus)s) THEN 2 ELSE 0 END
    + ts_rank(product.search, %(tsquery)s::tsquery, 1)
    + 0.03 * ln(1 + product.popularity)
)::numeric, 6) AS rank
"""
# Few matches come from the index, many from a walk through the products: the planner knows which is
# quicker when it sees the words. Where many match, those that are not to be missed are looked at too.
_CANDIDATES: Final = f"""
WITH met AS MATERIALIZED (
    SELECT id, {{rank}} FROM (SELECT * FROM product WHERE {_HAS_WORDS} AND {{where}} LIMIT {{most}}) AS product
), candidates AS (
    SELECT id, rank FROM met
    UNION
    SELECT id, {{rank}} FROM (
        SELECT * FROM product WHERE (SELECT count(*) FROM met) = {{most}}
        ORDER BY popularity DESC, id DESC LIMIT {{best_sellers}}
    ) AS product WHERE {_HAS_WORDS} AND {{where}}
    UNION
    SELECT id, {{rank}} FROM (
        SELECT * FROM product
        WHERE (SELECT count(*) FROM met) = {{most}}
          AND lower(name) ~>=~ %(text)s AND lower(name) ~<~ (%(text)s || chr(1114111))
        ORDER BY lower(name) USING ~<~ LIMIT {{names}}
    ) AS product WHERE {_HAS_WORDS} AND {{where}}
    {{of_sku}}
)
"""  # noqa: S608 -- put together from constants alone
_RANKED: Final = """
SELECT id, rank, (SELECT count(*) FROM met) = {most} AS has_rest
FROM candidates WHERE {after} ORDER BY {order} LIMIT {limit}
"""
# Behind all that are ranked come the others, along the primary key.
_REST: Final = f"""
SELECT id, {_UNRANKED}::numeric AS rank, true AS has_rest FROM product
WHERE (SELECT count(*) FROM met) = {{most}} AND {{after}}
  AND {_HAS_WORDS} AND {{where}} AND id NOT IN (SELECT id FROM candidates)
ORDER BY {{order}} LIMIT {{limit}}
"""  # noqa: S608 -- put together from constants alone
_OF_SKU: Final = "UNION SELECT id, {rank} FROM product WHERE sku = ANY(%(skus)s) AND {where}"

# What is typed by itself: neither quoted nor taken out.
_QUOTED_OR_NEGATED: Final = re.compile(r"\"[^\"]*(\"|$)|(?<!\w)-\S*")

# What the index of words does not find, each along an index of its own.
_MOST_BEGUN: Final = 100
# Else those that the caller may not see would take the place of others, and be told of.
_SEEN: Final = "(product.status = 'active' OR %(is_staff)s)"
_SKUS_BEGUN: Final = f"""
SELECT begun.sku FROM (SELECT DISTINCT text FROM unnest(%(skus)s::text[]) AS text) AS given CROSS JOIN LATERAL (
    SELECT sku FROM product
    WHERE sku ~>=~ given.text AND sku ~<~ (given.text || chr(1114111)) AND {_SEEN}
    ORDER BY sku USING ~<~ LIMIT {_MOST_BEGUN}
) AS begun LIMIT {_MOST_BEGUN}
"""  # noqa: S608 -- put together from constants alone
_NAMES_BEGUN: Final = f"""
SELECT sku FROM product
WHERE lower(name) ~>=~ %(text)s AND lower(name) ~<~ (%(text)s || chr(1114111)) AND {_SEEN}
ORDER BY lower(name) USING ~<~ LIMIT {_MOST_BEGUN}
"""  # noqa: S608 -- put together from constants alone
# One word of three characters or more, with a letter and with a digit or hyphen: "100" is a size.
_LIKE_A_SKU: Final = re.compile(r"(?=.*[a-z])(?=.*[0-9-])[a-z0-9][a-z0-9._:-]{2,}", re.ASCII)

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
SELECT query::text, ARRAY(SELECT sku FROM product WHERE sku = ANY(%(skus)s::text[]) AND {_SEEN}), {_PRODUCTS}
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
        skus: that the text itself is; or else of what is found by its beginning.
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


def read(q: str, *, is_staff: bool) -> Words:
    """Return what is meant by `q`; one query, and one more where it looks like a sku or has no words.

    Quotes, minus and `or` mean what PostgreSQL's websearch_to_tsquery makes of them. Whatever else
    there is of operators counts as space, so that no text is refused. A sku may be half typed, and of
    stop words alone ("The Who") names are found that begin so; a hundred products at most, of those that
    the caller may see.
    """
    text = _plain(q)
    values = {
        "q": q,
        "plain": _QUOTED_OR_NEGATED.sub(" ", q),
        "skus": [q.strip(), text, text.upper()],
        "is_staff": is_staff,
    }
    ((tsquery, skus, products),) = fetch(_READ, values, prepare=True)
    if not skus and (begun := _beginnings(text, tsquery)):
        skus = sorted({sku for (sku,) in fetch(begun, {**values, "text": text}, prepare=True)})
    return Words(text, tsquery, products, tuple(skus))


def _beginnings(text: str, tsquery: str) -> str:
    """Return the statement that looks for what begins with the text; empty where words will do."""
    if _LIKE_A_SKU.fullmatch(text):
        return _SKUS_BEGUN
    return _NAMES_BEGUN if text and not tsquery else ""


def match(values: Mapping[str, Any]) -> str:
    """Return the condition on `product` that it is what is searched for, by these `Words.parameters`."""
    # As a part of every search it would take a third of a millisecond more.
    return f"({_HAS_WORDS} OR product.sku = ANY(%(skus)s))" if values["skus"] else _HAS_WORDS


def complete(q: str) -> Words:
    """Return what is meant by `q` while its last word is still typed; five queries at most.

    Where no word begins so, it is read as a whole one. It is about what everyone sees.
    """
    before, _, last = _plain(q).rpartition(" ")
    tsquery = read(before, is_staff=False).tsquery if before else ""
    ((completed, products),) = fetch(_COMPLETE, {"before": tsquery, "last": last}, prepare=True)
    return read(q, is_staff=False) if completed is None else Words(_plain(q), completed, products)


def _plain(q: str) -> str:
    return " ".join(q.lower().split())


def rank(
    values: Mapping[str, Any],
    *,
    where: str,
    limit: int,
    position: Position = Position(ORDER, ""),  # noqa: B008 -- frozen
) -> list[tuple[UUID, Decimal]]:
    """Return matches in the position's direction, as id and rank; one query, or two where ranks end.

    What few products have is ranked in full. Of what many have the first matches that are met are
    ranked, all that are among the best sellers, and names that begin with what is searched for; behind
    them come all others, the newest first. They are the same each time until products or the planner's
    statistics change, so that pages can be cut from them.

    Args:
        values: of `Words.parameters`, of the conditions, and of the position as `Order.sql_after` has them.
        where: the other conditions on `product`.
        limit: most of them.
        position: of `ORDER`, where a page begins.
    """
    candidates = _CANDIDATES.format(
        where=where,
        rank=_RANK,
        most=values["most"],
        best_sellers=_BEST_SELLERS,
        names=_NAMES,
        of_sku=_OF_SKU.format(rank=_RANK, where=where) if values["skus"] else "",
    )
    found: list[tuple[UUID, Decimal]] = []
    for part, after, order in _parts(position):
        cut = part.format(
            where=where, most=values["most"], after=after, order=order, limit=limit - len(found)
        )
        rows = fetch(candidates + cut, values)
        found += [(id_, rank_) for id_, rank_, _ in rows]
        has_rest = rows[0][2] if rows else position.values is not None
        if not has_rest or len(found) == limit:
            break
    return found


def _parts(position: Position) -> list[tuple[str, str, str]]:
    """Return what a page is cut from, one behind the other: statement, where it begins, its order."""
    direction = position.direction
    after = "true" if position.values is None else direction.sql_after()
    ranked = _RANKED, after, direction.sql_order()
    is_in_rest = position.values is not None and Decimal(position.values[0]) == _UNRANKED
    if position.backwards:
        return [(_REST, "id > %(after_1)s", "id"), ranked] if is_in_rest else [ranked]
    if is_in_rest:
        return [(_REST, "id < %(after_1)s", "id DESC")]
    return [ranked, (_REST, "true", "id DESC")]
