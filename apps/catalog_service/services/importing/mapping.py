"""Where the fields of a row stand in a file, as people write it: `sku=Id,name=Name`."""

import csv
from collections.abc import Sequence

from apps.catalog_service.services.importing.rows import FIELDS


class BadMapping(ValueError):
    """A mapping cannot be read; the message says why in one sentence."""


def parse(
    texts: Sequence[str], *, fields: Sequence[str] = FIELDS, of: str = "A product"
) -> dict[str, str]:
    """Return the column or path of each field that the texts name; each text holds one or several.

    Args:
        texts: as people write them.
        fields: those there are.
        of: what has them, at the beginning of a sentence.

    Raises:
        BadMapping: a text is no FIELD=COLUMN, names no field, or one that is named already.
    """
    mapping: dict[str, str] = {}
    for pair in (pair for text in texts for pair in next(csv.reader([text]), [])):
        field, separator, column = pair.partition("=")
        field, column = field.strip(), column.strip()
        if not separator or not column:
            raise BadMapping(f'--map takes FIELD=COLUMN, not "{pair}".')
        if field not in fields:
            raise BadMapping(
                f'{of} has no field "{field}" to --map to; it has {", ".join(fields)}.'
            )
        if field in mapping:
            raise BadMapping(f"--map names {field} twice.")
        mapping[field] = column
    return mapping
