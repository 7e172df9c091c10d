"""The words of seeded products, the usual ones first.

As in a real shop a few words are in a great many products, and most words are in very few: brands and
series are invented, some thousands of them. A million products have 33,000 lamps and three with some series.
"""

import itertools
from collections.abc import Sequence
from typing import Final

NOUNS: Final = tuple(
    """
    lamp chair table mug bowl plate shirt jacket bag wallet notebook pen cushion rug blanket basket
    vase teapot kettle pan knife board candle clock mirror shelf desk stool bench sofa bed pillow
    towel curtain carpet lantern bottle glass jug tray pot planter apron scarf hat glove belt boot
    shoe sandal sock sweater dress skirt coat umbrella backpack suitcase purse bracelet necklace ring
    earring watch headphone speaker keyboard mouse monitor charger cable tripod camera lens drone
    printer scanner router tablet phone stand holder hook hanger rack drawer cabinet wardrobe chest
    trunk crate box tin jar grinder mortar whisk ladle spatula colander grater peeler corkscrew
    decanter goblet saucer spoon fork napkin tablecloth coaster puzzle game kite drum flute guitar
    ukulele violin harmonica tent hammock torch compass rope saddle helmet bicycle skateboard racket
    dumbbell mat bandage soap shampoo brush comb razor perfume lotion balm tea coffee honey jam spice
    """.split()  # noqa: SIM905 -- readable as a text
)
ADJECTIVES: Final = tuple(
    """
    classic modern small large light soft handmade wooden round slim vintage rustic folding portable
    deluxe compact elegant simple sturdy woven painted printed striped natural organic recycled
    quilted padded insulated waterproof adjustable stackable reversible magnetic wireless rechargeable
    ergonomic minimal nordic oriental moroccan turkish persian japanese tuscan coastal urban alpine
    antique baroque ornate engraved embroidered glazed polished brushed matte glossy satin heavy mini
    giant double triple narrow wide tall low curved angular hexagonal floral botanical geometric
    """.split()  # noqa: SIM905
)
MATERIALS: Final = tuple(
    """
    oak cotton steel ceramic leather glass bamboo wool linen walnut brass copper plastic silk pine
    marble stoneware porcelain aluminium cork rattan felt velvet canvas granite jute denim cashmere
    titanium mahogany
    """.split()  # noqa: SIM905
)
COLORS: Final = tuple(
    """
    black white grey blue red green brown beige navy yellow pink orange purple turquoise olive cream
    burgundy teal gold silver
    """.split()  # noqa: SIM905
)
SIZES: Final = ("M", "L", "S", "XL", "XS", "XXL")
USES: Final = tuple(
    """
    kitchen garden office bedroom living-room bathroom terrace balcony hallway nursery workshop
    travel camping picnics gifts guests children cooking baking reading writing sewing painting sport
    hiking
    """.split()  # noqa: SIM905
)
PRAISES: Final = (
    "Made to last",
    "Easy to clean",
    "Comfortable for hours",
    "Folds flat when it is not needed",
    "Comes in a gift box",
    "Designed with care in a small studio",
    "Finished by hand, so that no two are alike",
    "Packed without plastic",
    "Safe in the dishwasher",
    "Repairable, with spare parts for ten years",
    "Awarded for its sustainable design",
    "Tested by an independent laboratory",
    "Blends with every style of furniture",
    "Lightweight and yet remarkably stable",
    "Feels warm and pleasant to the touch",
    "Wipes clean with a damp cloth",
    "Assembled in minutes without any tool",
    "Ships within a day from our warehouse",
    "Certified by an accredited institute",
    "Treated with beeswax and linseed oil",
)
DEPARTMENTS: Final = (
    "Home",
    "Kitchen",
    "Garden",
    "Clothing",
    "Accessories",
    "Electronics",
    "Sports",
    "Music",
    "Beauty",
    "Food",
)

_STARTS: Final = "b br c d dr f g gr h j k kl l m n p pr r s st t tr v w z".split()  # noqa: SIM905
_MIDDLES: Final = "a e i o u ai el an or in".split()  # noqa: SIM905
_ENDS: Final = "no ra li to va mi sen dor vik ten lo ga nix pel".split()  # noqa: SIM905


def invented(count: int, *, syllables: int) -> list[str]:
    """Return so many words that no language has, the same each time."""
    parts = [_STARTS, _MIDDLES] * (syllables - 1) + [_ENDS]
    size = 1
    for part in parts:
        size *= len(part)
    # Steps that share no factor with the size visit every word once, far from the last one.
    step = size * 5 // 8 | 1
    while any(step % prime == 0 for prime in (5, 7)):
        step += 2
    return [_word(parts, number * step % size) for number in range(1, count + 1)]


def _word(parts: Sequence[Sequence[str]], number: int) -> str:
    letters = []
    for part in parts:
        number, at = divmod(number, len(part))
        letters.append(part[at])
    return "".join(letters)


def zipf(count: int, offset: int = 10) -> list[float]:
    """Return cumulative weights by the law of Zipf and Mandelbrot: the n-th weighs 1 / (n + offset)."""
    return list(itertools.accumulate(1 / (n + offset) for n in range(1, count + 1)))
