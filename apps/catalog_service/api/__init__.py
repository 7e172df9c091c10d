"""The API of the catalog service: thin views, and what each failure is in HTTP."""

from collections.abc import Mapping
from typing import Final

from rest_framework import status

from apps.catalog_service import errors
from chassis.errors import NotFound, PublicError

ERROR_STATUSES: Final[Mapping[type[PublicError], int]] = {
    NotFound: status.HTTP_404_NOT_FOUND,
    errors.UnknownCategory: status.HTTP_422_UNPROCESSABLE_ENTITY,
    errors.SkuTaken: status.HTTP_409_CONFLICT,
    errors.SkuFixed: status.HTTP_400_BAD_REQUEST,
    errors.SlugTaken: status.HTTP_409_CONFLICT,
    errors.VersionConflict: status.HTTP_412_PRECONDITION_FAILED,
    errors.IfMatchMalformed: status.HTTP_400_BAD_REQUEST,
    errors.PriceTooHigh: status.HTTP_409_CONFLICT,
    errors.PictureInvalid: status.HTTP_400_BAD_REQUEST,
    errors.StorageUnavailable: status.HTTP_503_SERVICE_UNAVAILABLE,
    errors.CategoryInUse: status.HTTP_409_CONFLICT,
    errors.CategoryCycle: status.HTTP_409_CONFLICT,
    errors.CategoryTooDeep: status.HTTP_409_CONFLICT,
    errors.StockShort: status.HTTP_409_CONFLICT,
    errors.StockFull: status.HTTP_409_CONFLICT,
    errors.StockMoved: status.HTTP_409_CONFLICT,
    errors.OutOfStock: status.HTTP_409_CONFLICT,
    errors.ReservationMismatch: status.HTTP_409_CONFLICT,
    errors.ReservationClosed: status.HTTP_409_CONFLICT,
    errors.UnknownSku: status.HTTP_422_UNPROCESSABLE_ENTITY,
}
