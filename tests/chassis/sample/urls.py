from django.urls import path

from chassis.urls import urlpatterns as chassis_urlpatterns
from tests.chassis.sample import api

urlpatterns = [
    *chassis_urlpatterns,
    path("api/v1/notes", api.Notes.as_view()),
    path("api/v1/values", api.Values.as_view()),
    path("api/v1/echo", api.Echo.as_view()),
    path("api/v1/me", api.Me.as_view()),
    path("api/v1/staff", api.StaffOnly.as_view()),
    path("api/v1/admin", api.AdminOnly.as_view()),
    path("internal/v1/stock", api.ServicesOnly.as_view()),
    path("api/v1/throttled", api.Throttled.as_view()),
    path("api/v1/failing/<str:kind>", api.Failing.as_view()),
    path("plain", api.plain),
    path("slow", api.slow),
    path("plain-query", api.plain_query),
]

handler400 = "chassis.problems.bad_request"
handler403 = "chassis.problems.forbidden"
handler404 = "chassis.problems.not_found"
handler500 = "chassis.problems.server_error"
