"""Pictures of products, uploaded by staff (ADR 0024)."""

from uuid import UUID

from django.db import DatabaseError, transaction

from apps.catalog_service.models import Product
from apps.catalog_service.services import images, products, stored_pictures
from apps.catalog_service.services.stored_pictures import StoredPicture
from chassis.errors import NotFound


def store(*, slug: str, content: bytes, by: UUID | None) -> Product:
    """Make the picture the product's; the one uploaded before is taken away. Idempotent.

    The file is written before the row names it, so that no caller is sent to a file that is not there.

    Args:
        slug: of the product.
        content: a PNG, JPEG, WebP or GIF.
        by: the user, for the audit log; None for what runs by itself.

    Raises:
        NotFound: there is no such product.
        PictureInvalid: it cannot be shown.
        StorageUnavailable: it could not be kept.
    """
    product = Product.objects.filter(slug=slug).first()
    if product is None:
        raise NotFound("There is no such product")
    picture = images.clean(content)
    if stored_pictures.holds(product.id, product.image_url, picture):
        return product
    written = stored_pictures.write(product.id, picture)
    try:
        with transaction.atomic(durable=True):
            product = products.lock_product(id=product.id)
            products.change_product(product, {"image_url": written.url}, by=by)
    except BaseException:
        _take_back(product.id, written)
        raise
    return product


def remove(*, slug: str, by: UUID | None) -> None:
    """Leave the product without a picture; an uploaded one is taken away. Idempotent.

    Raises:
        NotFound: there is no such product.
    """
    with transaction.atomic(durable=True):
        product = products.lock_product(slug=slug)
        products.change_product(product, {"image_url": ""}, by=by)


def _take_back(product_id: UUID, written: StoredPicture) -> None:
    """Remove a file, unless the commit that seemed to fail arrived all the same, or nobody can tell."""
    try:
        in_use = Product.objects.filter(id=product_id, image_url=written.url).exists()
    except DatabaseError:
        return
    if not in_use:
        stored_pictures.remove(written.name)
