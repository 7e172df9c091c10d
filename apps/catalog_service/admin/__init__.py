"""The admin of the catalog service."""

from typing import Final

from apps.catalog_service.admin.alerts import AlertAdmin
from apps.catalog_service.admin.categories import CategoryAdmin
from apps.catalog_service.admin.overview import dashboard
from apps.catalog_service.admin.products import ProductAdmin
from apps.catalog_service.admin.reservations import ReservationAdmin
from apps.catalog_service.admin.stock import PriceChangeAdmin, StockMovementAdmin
from apps.catalog_service.admin.transfers import TransferAdmin
from apps.catalog_service.models import (
    Alert,
    Category,
    PriceChange,
    Product,
    Reservation,
    StockMovement,
    Transfer,
)
from chassis.admin.pages import add_common_pages
from chassis.admin.site import ServiceAdminSite

site: Final = ServiceAdminSite(dashboard=dashboard)
site.add_page(Product, ProductAdmin, section="Catalogue", icon="sell")
site.add_page(Category, CategoryAdmin, section="Catalogue", icon="account_tree")
site.add_page(PriceChange, PriceChangeAdmin, section="Catalogue", icon="price_change")
site.add_page(StockMovement, StockMovementAdmin, section="Stock", icon="inventory_2")
site.add_page(Reservation, ReservationAdmin, section="Stock", icon="bookmark")
site.add_page(Alert, AlertAdmin, section="Stock", icon="notifications")
site.add_page(Transfer, TransferAdmin, section="Files", icon="swap_vert")
add_common_pages(site)
