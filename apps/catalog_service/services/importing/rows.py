"""One row of an import: its raw values checked and brought into the form that is stored.

The rules are those of the API's input (serializers.ProductInput); a test holds the two together.
"""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple, NoReturn

import msgspec

from apps.catalog_service import conf
from apps.catalog_service.domain.pictures import is_image_url
from apps.catalog_service.models import ProductStatus

REQUIRED: Final = ("sku", "name", "price", "category")
FIELDS: Final = (
    *REQUIRED,
    *("description", "status", "image_url", "slug", "attributes", "currency"),
)

_SKU: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_SLUG: Final = re.compile(r"[A-Za-z0-9_-]{1,120}")
_PRICE: Final = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")
_LARGEST: Final = 10**conf.WIDEST_NUMBER
_LONGEST_SHOWN: Final = 40

_encoder = msgspec.json.Encoder(decimal_format="number")


class Row(NamedTuple):
    """What a row says about a product. None says nothing: the default of a new one, no change of another.

    `attributes` is a JSON text; `category` a name, or a slug, with its spaces normalised.
    """

    sku: str
    name: str
    price: Decimal
    category: str
    description: str | None = None
    status: str | None = None
    image_url: str | None = None
    slug: str | None = None
    attributes: str | None = None


class BadRow(Exception):
    """A row cannot be stored; the message says all that is wrong with it."""


class _BadValue(Exception):
    """A value will not do; the message goes on from the field's name."""


def parse(values: Mapping[str, Any], *, currency: str) -> Row:
    """Return the row of raw values by field name, as a file's reader found them.

    Args:
        values: texts, and from JSON any value with numbers as int or Decimal; None is "not given".
        currency: the shop's; a row that names another is bad.

    Raises:
        BadRow: something is missing or will not do.
    """
    parsed: dict[str, Any] = {}
    problems = []
    for field, read in _READERS.items():
        value = values.get(field)
        if value is None:
            if field in REQUIRED:
                problems.append(f"{field} is missing")
            continue
        try:
            parsed[field] = read(value)
        except _BadValue as error:
            problems.append(f"{field} {error}")
    if parsed.pop("currency", currency) != currency:
        problems.append(
            f"currency must be the shop's, {currency}, not {_shown(values['currency'])}"
        )
    if problems:
        raise BadRow("; ".join(problems))
    return Row(**parsed)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _refuse(reason: str, value: Any) -> NoReturn:
    raise _BadValue(f"{reason}, not {_shown(value)}")


def _storable(text: str) -> None:
    """Refuse what PostgreSQL cannot hold in a text."""
    if "\0" in text:
        raise _BadValue("holds a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise _BadValue("holds half a surrogate pair") from error


def _text(longest: int, *, may_be_empty: bool = False) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str):
            _refuse("must be a text", value)
        _storable(value)
        text = value.strip()
        if not text and not may_be_empty:
            raise _BadValue("is empty")
        if len(text) > longest:
            raise _BadValue(f"is longer than {longest} characters")
        return text

    return read


_url_text = _text(500, may_be_empty=True)
_category_text = _text(1000)


def _sku(value: Any) -> str:
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not _SKU.fullmatch(text.strip()):
        _refuse("must be 1 to 64 letters, digits and . _ : - after a letter or digit", value)
    return text.strip()


def _price(value: Any) -> Decimal:
    text = str(value) if isinstance(value, int | Decimal) else value
    if not isinstance(text, str) or not _PRICE.fullmatch(text.strip()):
        _refuse("must be an amount such as 19.90 with at most two decimals", value)
    return Decimal(text.strip()).quantize(Decimal("0.01"))


def _category(value: Any) -> str:
    text = " ".join(_category_text(value).split())
    if len(text) > 100:  # noqa: PLR2004 -- the message says it
        raise _BadValue("is longer than 100 characters")
    return text


def _status(value: Any) -> str:
    text = value.strip().lower() if isinstance(value, str) else value
    if text not in ProductStatus.values:
        _refuse(f"must be one of {', '.join(ProductStatus.values)}", value)
    return str(text)


def _image_url(value: Any) -> str:
    text = _url_text(value)
    if text and not is_image_url(text):
        _refuse("must be an http(s) URL or a path under /media/", value)
    return text


def _slug(value: Any) -> str:
    if not isinstance(value, str) or not _SLUG.fullmatch(value.strip()):
        _refuse("must be 1 to 120 letters, digits, - and _", value)
    return value.strip()


def _attributes(value: Any) -> str:
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise _BadValue("is not valid JSON") from error
    if not isinstance(value, dict):
        _refuse("must be a JSON object", value)
    _require_storable_json(value, depth=0)
    text = _encoder.encode(value)
    if len(text) > conf.LONGEST_ATTRIBUTES:
        raise _BadValue(f"must be at most {conf.LONGEST_ATTRIBUTES} bytes of JSON")
    return text.decode()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _require_storable_json(value: Any, *, depth: int) -> None:
    if depth >= conf.DEEPEST_ATTRIBUTES and isinstance(value, dict | list):
        raise _BadValue(f"must not be nested deeper than {conf.DEEPEST_ATTRIBUTES}")
    if isinstance(value, str):
        _storable(value)
    elif (
        isinstance(value, Decimal)
        and not (value.is_finite() and abs(value.adjusted()) < conf.WIDEST_NUMBER)
    ) or (isinstance(value, int) and abs(value) >= _LARGEST):
        raise _BadValue("holds a number out of range")
    elif isinstance(value, dict):
        for key, entry in value.items():
            _storable(key)
            _require_storable_json(entry, depth=depth + 1)
    elif isinstance(value, list):
        for entry in value:
            _require_storable_json(entry, depth=depth + 1)


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "sku": _sku,
    "name": _text(200),
    "price": _price,
    "category": _category,
    "description": _text(20_000, may_be_empty=True),
    "status": _status,
    "image_url": _image_url,
    "slug": _slug,
    "attributes": _attributes,
    "currency": _text(10),
}
