"""Routes of the catalog service."""

from django.urls import path
from django.views.generic import RedirectView

from apps.catalog_service import admin, media
from apps.catalog_service.api import (
    categories,
    lookups,
    pictures,
    prices,
    products,
    reservations,
    stock,
    suggestions,
)
from chassis import urls

urlpatterns = [
    *urls.urlpatterns,
    path("api/v1/catalog/products", products.ProductsView.as_view()),
    path("api/v1/catalog/products/suggest", suggestions.SuggestionsView.as_view()),
    path("api/v1/catalog/products/<slug:slug>", products.ProductView.as_view()),
    path("api/v1/catalog/products/<slug:slug>/image", pictures.ImageView.as_view()),
    path("api/v1/catalog/products/<slug:slug>/prices", prices.PricesView.as_view()),
    path("api/v1/catalog/products/<slug:slug>/stock", stock.StockView.as_view()),
    path("api/v1/catalog/products/<slug:slug>/stock/movements", stock.MovementsView.as_view()),
    path("api/v1/catalog/products/<slug:slug>/stock/adjustments", stock.AdjustmentsView.as_view()),
    path("api/v1/catalog/categories", categories.CategoriesView.as_view()),
    path("api/v1/catalog/categories/<slug:slug>", categories.CategoryView.as_view()),
    path("admin/catalog", RedirectView.as_view(url="/admin/catalog/")),
    path("admin/catalog/", admin.site.urls),
    path("internal/v1/products/lookup", lookups.ProductLookupView.as_view()),
    path("internal/v1/reservations/<uuid:order_id>", reservations.ReservationView.as_view()),
    path("media/catalog/<path:path>", media.PictureView.as_view()),
]

handler400 = "chassis.problems.bad_request"
handler403 = "chassis.problems.forbidden"
handler404 = "chassis.problems.not_found"
handler500 = "chassis.problems.server_error"
