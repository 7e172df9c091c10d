"""What search rests on: the language of the index, and the words that products have (ADR 0022).

Two text search configurations of ours are in the database. `souk` follows SEARCH_LANGUAGE: it takes
accents off and stems. `souk_words` takes accents off and no more. The comment of `souk` is the
language that all products are indexed for, or `unfinished` while that is under way.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

_BATCH: Final = 1_000
_ONE_AT_A_TIME: Final = 0x53_52_43_48

_CREATE: Final = """
CREATE TEXT SEARCH CONFIGURATION {name} (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION {name} ALTER MAPPING FOR word, hword, hword_part WITH unaccent, simple
"""
_EXISTS: Final = (
    "SELECT EXISTS (SELECT FROM pg_ts_config WHERE cfgname = %s AND pg_ts_config_is_visible(oid))"
)
# What a language does to words, by kinds of them: letters of English, and others.
_DICTIONARIES: Final = """
SELECT kind.alias, string_agg(map.mapdict::regdictionary::text, ', ' ORDER BY map.mapseqno)
FROM pg_ts_config_map AS map JOIN ts_token_type('default') AS kind ON kind.tokid = map.maptokentype
WHERE map.mapcfg = %s::regconfig
  AND kind.alias IN ('asciiword', 'asciihword', 'hword_asciipart', 'word', 'hword', 'hword_part')
GROUP BY kind.alias
"""
_MAP: Final = "ALTER TEXT SEARCH CONFIGURATION souk ALTER MAPPING FOR {kind} WITH {dictionaries}"
_UNFINISHED: Final = "unfinished"
_NOTE: Final = "COMMENT ON TEXT SEARCH CONFIGURATION souk IS '{language}'"
_NOTED: Final = """
SELECT obj_description(oid, 'pg_ts_config') FROM pg_ts_config
WHERE cfgname = 'souk' AND pg_ts_config_is_visible(oid)
"""

# What others have learnt before is neither locked nor written: products are made at once.
_ADD: Final = """
, fresh AS (
    SELECT word, (tsvector_to_array(to_tsvector('souk', word)))[1] AS lexeme, bool_or(of_name) AS of_name
    FROM found CROSS JOIN unnest(tsvector_to_array(words)) AS word
    WHERE word ~ '^[[:alpha:]]{2,50}$'
    GROUP BY word
)
INSERT INTO search_word (word, lexeme, of_name)
SELECT word, lexeme, of_name FROM fresh
WHERE lexeme IS NOT NULL AND NOT EXISTS (
    SELECT FROM search_word AS known
    WHERE known.word = fresh.word AND (known.of_name OR NOT fresh.of_name)
)
ORDER BY word
ON CONFLICT (word) DO UPDATE SET of_name = search_word.of_name OR excluded.of_name
"""
_LEARN: Final = f"""
WITH found AS (
    SELECT to_tsvector('souk_words', name)
           || jsonb_to_tsvector('souk_words', attributes, '["string"]') AS words,
           true AS of_name
    FROM product WHERE id = ANY(%(ids)s)
    UNION ALL
    SELECT to_tsvector('souk_words', description), false FROM product WHERE id = ANY(%(ids)s)
)
{_ADD}
"""  # noqa: S608 -- put together from constants alone
_LEARN_TEXTS: Final = f"""
WITH found AS (
    SELECT to_tsvector('souk_words', text) AS words, true AS of_name
    FROM unnest(%(names)s::text[]) AS text
    UNION ALL
    SELECT to_tsvector('souk_words', text), false FROM unnest(%(descriptions)s::text[]) AS text
)
{_ADD}
"""  # noqa: S608 -- put together from constants alone
_NEXT: Final = "SELECT id, sku FROM product WHERE sku > %s ORDER BY sku LIMIT %s"
# Whatever the name is made of is computed anew with it.
_INDEX: Final = """
WITH held AS (SELECT id FROM product WHERE id = ANY(%s) ORDER BY sku FOR NO KEY UPDATE)
UPDATE product SET name = name FROM held WHERE product.id = held.id
"""
_FORGET: Final = "DELETE FROM search_word"


def configure() -> None:
    """Make both configurations as SEARCH_LANGUAGE says. Needs a transaction; idempotent.

    Note that this alone indexes nothing anew: `reindex` does.
    """
    with connection.cursor() as cursor:
        for name in ("souk", "souk_words"):
            cursor.execute(_EXISTS, [name])
            if not cursor.fetchone()[0]:
                cursor.execute(_CREATE.format(name=name))
        cursor.execute(_DICTIONARIES, [f"pg_catalog.{settings.SEARCH_LANGUAGE}"])
        for kind, dictionaries in cursor.fetchall():
            first = "" if "ascii" in kind else "unaccent, "
            cursor.execute(_MAP.format(kind=kind, dictionaries=first + dictionaries))
    _note(settings.SEARCH_LANGUAGE)


def indexed_language() -> str | None:
    """Return the language that all products are indexed for, or `unfinished`; None before migrations."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTED)
        row = cursor.fetchone()
    return row[0] if row else None


def _note(language: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_NOTE.format(language=language))


def learn(product_ids: Sequence[UUID]) -> None:
    """Add the words of these products to those that search knows. Needs a transaction; idempotent.

    Call it last: another transaction with the same new word waits until this one ends.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LEARN, {"ids": list(product_ids)})


def learn_texts(*, names: Collection[str], descriptions: Collection[str]) -> None:
    """Add the words of what products are called and told, all at once. Needs a transaction; idempotent."""
    with connection.cursor() as cursor:
        cursor.execute(_LEARN_TEXTS, {"names": list(names), "descriptions": list(descriptions)})


def learn_all() -> None:
    """Add the words of all products. Needs a transaction; idempotent."""
    _each_batch(learn)


def reindex(progress: Callable[[int], object] = lambda _done: None) -> int:
    """Index every product in SEARCH_LANGUAGE, and learn words anew; return how many there are.

    In transactions of a thousand, so that the shop stays open; until the end search finds some
    products by the old language. Stopped on the way, it is noted as unfinished: run it again.

    Args:
        progress: is told how many products are done.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        configure()
        _note(_UNFINISHED)
        cursor.execute(_FORGET)
    done = _each_batch(_index, progress)
    with transaction.atomic(durable=True):
        _note(settings.SEARCH_LANGUAGE)
    return done


def _index(product_ids: Sequence[UUID]) -> None:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_INDEX, [list(product_ids)])
        learn(product_ids)


def _each_batch(
    work: Callable[[Sequence[UUID]], object], progress: Callable[[int], object] = lambda _done: None
) -> int:
    done, last = 0, ""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [last, _BATCH])
            rows = cursor.fetchall()
        if not rows:
            return done
        work([row[0] for row in rows])
        done, last = done + len(rows), rows[-1][1]
        progress(done)
