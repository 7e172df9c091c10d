"""Routes of the order service."""

from django.urls import path
from django.views.generic import RedirectView

from apps.order_service import admin, api
from chassis import urls

urlpatterns = [
    *urls.urlpatterns,
    path("api/v1/orders", api.OrdersView.as_view()),
    path("api/v1/orders/<uuid:order_id>", api.OrderView.as_view()),
    path("api/v1/orders/<uuid:order_id>/cancel", api.OrderCancelView.as_view()),
    path("api/v1/orders/<uuid:order_id>/payments", api.OrderPaymentsView.as_view()),
    path("admin/orders", RedirectView.as_view(url="/admin/orders/")),
    path("admin/orders/", admin.site.urls),
]

handler400 = "chassis.problems.bad_request"
handler403 = "chassis.problems.forbidden"
handler404 = "chassis.problems.not_found"
handler500 = "chassis.problems.server_error"
