"""Routes of the auth service."""

from django.urls import path
from django.views.generic import RedirectView

from apps.auth_service import admin, api, signon
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
    path("admin/auth/log-in", signon.log_in, name="log_in"),
    path("admin/auth/sign-on", signon.sign_on, name="sign_on"),
    path("admin/auth/log-out", signon.log_out, name="log_out"),
    path("admin/auth/password/reset", signon.reset_password, name="password_reset_page"),
    path("admin/auth/email/confirm", signon.confirm_email, name="confirm_email_page"),
    path("admin/auth", RedirectView.as_view(url="/admin/auth/")),
    path("admin/auth/", admin.site.urls),
    path("internal/v1/service-tokens", api.ServiceTokenView.as_view()),
]

handler400 = "chassis.problems.bad_request"
handler403 = "chassis.problems.forbidden"
handler404 = "chassis.problems.not_found"
handler500 = "chassis.problems.server_error"
