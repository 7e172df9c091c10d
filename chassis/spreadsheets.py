"""CSV files that people open in a spreadsheet."""

from collections.abc import Iterable
from typing import Any, Final

BYTE_ORDER_MARK: Final = "\ufeff"
"""What makes a spreadsheet read a file as UTF-8."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet read a cell as a formula (OWASP, CSV Injection)."""


def without_formulas(line: Iterable[Any]) -> list[Any]:
    """Return the cells with an apostrophe before each text that would be read as a formula."""
    return [
        f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in line
    ]
