"""Order numbers: what people read out on the telephone."""

import re
from typing import Final

# Crockford's base 32: no I, L, O or U, so that nothing is misread or offends.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD: Final = str.maketrans("OIL", "011")
_LENGTH: Final = 8
BITS: Final = 5 * _LENGTH


def order_number(random_bits: int) -> str:
    """Return the number of an order, such as 7K3M-9QXT.

    It is made of chance alone: neither the next number nor how many orders there are can be told
    from it. `random_bits` holds BITS bits from a secure source; a number taken already is possible
    (about 1 in 10^12 per order there is) and is the caller's to draw again.
    """
    digits = "".join(_ALPHABET[(random_bits >> shift) & 31] for shift in range(BITS - 5, -1, -5))
    return f"{digits[:4]}-{digits[4:]}"


def read_number(text: str) -> str | None:
    """Return the order number that somebody typed, None if it is none.

    Small letters, a missing dash, and the letters that Crockford's base 32 takes for digits are fine.
    """
    digits = re.sub(r"[\s-]", "", text).upper().translate(_MISREAD)
    if len(digits) != _LENGTH or not set(digits) <= set(_ALPHABET):
        return None
    return f"{digits[:4]}-{digits[4:]}"
