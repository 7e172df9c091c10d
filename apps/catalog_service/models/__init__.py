"""What the catalog keeps."""

from apps.catalog_service.models.operations import (
    Alert,
    AlertKind,
    Transfer,
    TransferKind,
    TransferStatus,
)
from apps.catalog_service.models.products import (
    Category,
    PriceChange,
    Product,
    ProductSales,
    ProductStatus,
)
from apps.catalog_service.models.reading import CatalogVersion, SearchWord
from apps.catalog_service.models.reservations import (
    Reservation,
    ReservationLine,
    ReservationStatus,
)
from apps.catalog_service.models.stock import MovementKind, Stock, StockMovement

__all__ = [
    "Alert",
    "AlertKind",
    "CatalogVersion",
    "Category",
    "MovementKind",
    "PriceChange",
    "Product",
    "ProductSales",
    "ProductStatus",
    "Reservation",
    "ReservationLine",
    "ReservationStatus",
    "SearchWord",
    "Stock",
    "StockMovement",
    "Transfer",
    "TransferKind",
    "TransferStatus",
]
