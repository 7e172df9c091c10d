"""Routes of the auth service."""

from django.urls import path

from apps.auth_service import api
from chassis.urls import urlpatterns as chassis_urlpatterns

urlpatterns = [
    *chassis_urlpatterns,
    path(".well-known/jwks.json", api.KeysView.as_view()),
    path("api/v1/auth/register", api.RegisterView.as_view()),
    path("api/v1/auth/token", api.TokenView.as_view()),
    path("api/v1/auth/token/refresh", api.RefreshView.as_view()),
    path("api/v1/auth/token/revoke", api.RevokeView.as_view()),
    path("api/v1/auth/token/revoke-all", api.RevokeAllView.as_view()),
    path("api/v1/auth/email/confirm", api.ConfirmEmailView.as_view()),
    path("api/v1/auth/password/change", api.PasswordChangeView.as_view()),
    path("api/v1/auth/password/reset", api.PasswordResetView.as_view()),
    path("api/v1/auth/password/reset/confirm", api.PasswordResetConfirmView.as_view()),
    path("api/v1/auth/sessions", api.SessionListView.as_view()),
    path("api/v1/auth/sessions/<uuid:session_id>", api.SessionView.as_view()),
    path("api/v1/auth/me", api.ProfileView.as_view()),
    path("api/v1/auth/users", api.UserListView.as_view()),
    path("api/v1/auth/users/<uuid:user_id>", api.UserView.as_view()),
    path("internal/v1/service-tokens", api.ServiceTokenView.as_view()),
]

handler400 = "chassis.problems.bad_request"
handler403 = "chassis.problems.forbidden"
handler404 = "chassis.problems.not_found"
handler500 = "chassis.problems.server_error"
