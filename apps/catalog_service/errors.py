"""What the catalog service refuses. The API decides what each means in HTTP."""

from typing import ClassVar

from chassis.errors import PublicError


class FieldError(PublicError):
    """Base of failures that one field of the body is to blame for; `errors` points at it."""

    field: ClassVar[str]

    def __init__(self, detail: str = "", *, field: str = "") -> None:
        """Say what failed; name the field where it is not the usual one."""
        entry = {
            "pointer": f"#/{field or self.field}",
            "detail": detail or self.title,
            "code": self.code,
        }
        super().__init__(detail, errors=[entry])


class SkuTaken(FieldError):
    """Another product has the sku."""

    code = "sku-taken"
    title = "Another product has this sku"
    field = "sku"


class SkuFixed(PublicError):
    """A change would give a product another sku; other systems know it by the one it has."""

    code = "validation-failed"
    title = "Some fields are not valid"

    def __init__(self) -> None:
        """Point at the sku."""
        detail = "A product's sku never changes."
        super().__init__(errors=[{"pointer": "#/sku", "detail": detail, "code": "sku-fixed"}])


class SlugTaken(FieldError):
    """Another product or category has the slug."""

    code = "slug-taken"
    title = "This slug is taken"
    field = "slug"


class UnknownCategory(FieldError):
    """A product, or a category's parent, names a category that does not exist."""

    code = "unknown-category"
    title = "There is no such category"
    field = "category"


class VersionConflict(PublicError):
    """The product has changed since the caller read it."""

    code = "precondition-failed"
    title = "It has changed since you read it"


class IfMatchMalformed(PublicError):
    """An If-Match header that names no ETags."""

    code = "if-match-malformed"
    title = "If-Match must be * or a list of ETags"


class PriceTooHigh(PublicError):
    """A change of prices would make one that no product can have."""

    code = "price-too-high"
    title = "A price would be too high"


class PictureInvalid(PublicError):
    """What was sent is no picture that can be shown."""

    code = "picture-invalid"
    title = "This is not a picture that can be shown"


class StorageUnavailable(PublicError):
    """The storage of pictures and files does not answer."""

    code = "storage-unavailable"
    title = "The picture cannot be kept at this moment"


class CategoryInUse(PublicError):
    """A category cannot go while it has products or sub-categories."""

    code = "category-in-use"
    title = "The category still has products or sub-categories"


class CategoryCycle(FieldError):
    """A category cannot stand below itself."""

    code = "category-cycle"
    title = "A category cannot stand below itself"
    field = "parent"


class CategoryTooDeep(FieldError):
    """The tree of categories has as many levels as it may."""

    code = "category-too-deep"
    title = "The tree of categories would have too many levels"
    field = "parent"


class StockShort(FieldError):
    """An adjustment would leave less than is reserved, or less than nothing."""

    code = "stock-short"
    title = "There is not that much unreserved stock"
    field = "quantity"


class StockFull(FieldError):
    """An adjustment would make more than a stock can count."""

    code = "stock-full"
    title = "That is more than can be in stock"
    field = "quantity"


class StockMoved(PublicError):
    """Somebody adjusted the stock after the caller looked at it."""

    code = "stock-moved"
    title = "The stock was adjusted meanwhile"


class OutOfStock(PublicError):
    """Some lines of a reservation cannot be had in full; nothing was reserved."""

    code = "out-of-stock"
    title = "Some lines are short of stock"


class UnknownSku(PublicError):
    """Some lines of a reservation name no product that is for sale."""

    code = "unknown-sku"
    title = "Some products do not exist"


class ReservationMismatch(PublicError):
    """The order already has a reservation, of other lines."""

    code = "reservation-mismatch"
    title = "The order has a reservation of other lines"


class ReservationClosed(PublicError):
    """The reservation was released or committed: it can no longer change."""

    code = "reservation-closed"
    title = "The reservation is closed"
