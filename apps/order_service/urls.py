"""Routes of the order service."""

from django.urls import path

from apps.order_service import api
from chassis import urls

urlpatterns = [
    *urls.urlpatterns,
    path("api/v1/orders", api.OrdersView.as_view()),
    path("api/v1/orders/<uuid:order_id>", api.OrderView.as_view()),
    path("api/v1/orders/<uuid:order_id>/cancel", api.OrderCancelView.as_view()),
    path("api/v1/orders/<uuid:order_id>/payments", api.OrderPaymentsView.as_view()),
]

handler400 = "chassis.problems.bad_request"
handler403 = "chassis.problems.forbidden"
handler404 = "chassis.problems.not_found"
handler500 = "chassis.problems.server_error"
