"""Seeded products: what the n-th of a seed is, always the same."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from apps.catalog_service.services.seeding import vocabulary as words

BLOCK: Final = 10_000
"""Products are drawn by so many, so that more of a seed can be added later."""

_SINCE: Final = datetime(2023, 1, 1, tzinfo=UTC)
_STEP_SECONDS: Final = 10
_BRANDS: Final = [word.capitalize() for word in words.invented(4_000, syllables=3)]
_SERIES: Final = [word.capitalize() for word in words.invented(20_000, syllables=4)]
_TOP_CATEGORIES: Final = len(words.DEPARTMENTS)
_CHILDREN: Final = 5
_MOST_POPULAR: Final = 20_000
_SOLD_OUT: Final = 0.05
_MOST_PIECES: Final = 200
_SALES_DAYS: Final = 28


@dataclass(frozen=True, slots=True)
class SeededCategory:
    """A category of the seeded tree; the slug of its parent stands before its own in the list."""

    id: UUID
    slug: str
    name: str
    parent: UUID | None
    path: str


@dataclass(frozen=True, slots=True)
class SeededProduct:
    """A product as the lines of COPY need it: everything as text."""

    number: int
    id: UUID
    sku: str
    slug: str
    name: str
    description: str
    category_id: UUID
    price: str
    old_price: str | None
    attributes: str
    popularity: int
    on_hand: int
    created_at: str
    words: tuple[str, ...]
    """Of the name and the attributes."""


def sku(seed: int, number: int) -> str:
    """Return the sku of a seed's n-th product; in the order of numbers."""
    return f"{sku_start(seed)}{number:08}"


def sku_start(seed: int) -> str:
    """Return how the skus of a seed begin."""
    return f"SEED-{seed}-"


def _uuid7(at: datetime, bits: int) -> UUID:
    """Return the UUID of a time and 74 random bits (RFC 9562, section 5.7)."""
    milliseconds = int(at.timestamp() * 1000)
    return UUID(
        int=milliseconds << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0x2 << 62 | bits & (1 << 62) - 1
    )


def make_categories(seed: int, count: int) -> list[SeededCategory]:
    """Return the tree, parents first: ten at the top, then five below each."""
    chance = random.Random(f"{seed}:categories")  # noqa: S311 -- nothing secret
    made: list[SeededCategory] = []
    for number in range(count):
        id_ = _uuid7(_SINCE, chance.getrandbits(74))
        above = made[(number - _TOP_CATEGORIES) // _CHILDREN] if number >= _TOP_CATEGORIES else None
        noun = words.NOUNS[number % len(words.NOUNS)]
        made.append(
            SeededCategory(
                id=id_,
                slug=f"seed-{seed}-{number + 1}",
                name=f"{noun.capitalize()}s {number + 1}" if above else words.DEPARTMENTS[number],
                parent=above.id if above else None,
                path=f"{above.path}.{id_.hex}" if above else id_.hex,
            )
        )
    return made


def make_products(
    seed: int, first: int, last: int, categories: Sequence[SeededCategory]
) -> Iterator[SeededProduct]:
    """Yield the products from number `first` to `last`, both included; numbers begin with 1."""
    for block in range((first - 1) // BLOCK, (last - 1) // BLOCK + 1):
        start = block * BLOCK + 1
        chance = random.Random(f"{seed}:{block}")  # noqa: S311 -- nothing secret
        drawn = _draw(chance, len(categories))
        for number, draw in enumerate(zip(*drawn, strict=True), start):
            if first <= number <= last:
                yield _product(seed, number, categories, draw)


def _draw(chance: random.Random, categories: int) -> list[Sequence[Any]]:
    """Return what a block's products differ by, column by column: that is several times faster."""

    def pick(of: Sequence[Any]) -> list[Any]:
        return chance.choices(of, cum_weights=words.zipf(len(of)), k=BLOCK)

    return [
        pick(_BRANDS),
        pick(words.ADJECTIVES),
        pick(words.MATERIALS),
        pick(words.NOUNS),
        pick(_SERIES),
        pick(words.COLORS),
        pick(words.SIZES),
        pick(words.USES),
        pick(words.PRAISES),
        pick(words.PRAISES),
        pick(range(categories)),
        [chance.lognormvariate(3.2, 0.9) for _ in range(BLOCK)],
        [chance.paretovariate(1.1) for _ in range(BLOCK)],
        [chance.random() for _ in range(BLOCK)],
        [chance.getrandbits(74) for _ in range(BLOCK)],
    ]


def _product(
    seed: int, number: int, categories: Sequence[SeededCategory], drawn: tuple[Any, ...]
) -> SeededProduct:
    brand, adjective, material, noun, series, color, size, use, *others = drawn
    praise, other, category, price, fame, share, bits = others
    at = _SINCE + timedelta(seconds=_STEP_SECONDS * number)
    cents = max(99, int(price) * 100 + (90, 99, 50, 0)[bits & 3])
    return SeededProduct(
        number=number,
        id=_uuid7(at, bits),
        sku=sku(seed, number),
        slug=f"{brand}-{adjective}-{material}-{noun}-{seed}-{number}".lower(),
        name=f"{brand} {adjective.capitalize()} {material.capitalize()} {noun.capitalize()} {series}",
        description=(
            f"{adjective.capitalize()} {noun} of {material} in {color}, for {use}. "
            f"{praise}. {other}. By {brand}."
        ),
        category_id=categories[category].id,
        price=f"{cents // 100}.{cents % 100:02}",
        old_price=f"{cents // 80}.{cents % 100:02}" if bits & 12 == 0 else None,
        attributes=(
            f'{{"brand": "{brand}", "color": "{color}", "material": "{material}", '
            f'"size": "{size}", "weight_g": {50 + (bits >> 4) % 5000}}}'
        ),
        popularity=min(_MOST_POPULAR, max(0, int(fame) - 3)),
        on_hand=0 if share < _SOLD_OUT else 1 + int(share * _MOST_PIECES),
        created_at=at.isoformat(),
        words=(brand, adjective, material, noun, series, color),
    )


def sold_on(number: int, today: date) -> date:
    """Return the day of the last four weeks on which the n-th product was sold."""
    return today - timedelta(days=number % _SALES_DAYS)
