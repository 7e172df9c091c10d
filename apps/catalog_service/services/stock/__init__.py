"""Stock: every change is a conditional UPDATE and a row of the ledger."""

from apps.catalog_service.services.stock.adjusting import Summary, adjust_from_file, adjust_stock
from apps.catalog_service.services.stock.moving import MOST_ON_HAND, Moved, move_stock

__all__ = [
    "MOST_ON_HAND",
    "Moved",
    "Summary",
    "adjust_from_file",
    "adjust_stock",
    "move_stock",
]
