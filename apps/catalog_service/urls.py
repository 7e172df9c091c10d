"""Routes of the catalog service."""

from django.urls import path
from django.views.generic import RedirectView

from apps.catalog_service import admin, api, media
from chassis import urls

urlpatterns = [
    *urls.urlpatterns,
    path("api/v1/catalog/products", api.ProductsView.as_view()),
    path("api/v1/catalog/products/<slug:slug>", api.ProductView.as_view()),
    path("api/v1/catalog/products/<slug:slug>/stock", api.StockView.as_view()),
    path("api/v1/catalog/products/<slug:slug>/stock/adjustments", api.AdjustmentsView.as_view()),
    path("api/v1/catalog/categories", api.CategoriesView.as_view()),
    path("api/v1/catalog/categories/<slug:slug>", api.CategoryView.as_view()),
    path("admin/catalog", RedirectView.as_view(url="/admin/catalog/")),
    path("admin/catalog/", admin.site.urls),
    path("internal/v1/reservations/<uuid:order_id>", api.ReservationView.as_view()),
    path("media/catalog/<path:path>", media.PictureView.as_view()),
]

handler400 = "chassis.problems.bad_request"
handler403 = "chassis.problems.forbidden"
handler404 = "chassis.problems.not_found"
handler500 = "chassis.problems.server_error"
