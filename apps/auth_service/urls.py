"""Routes of the auth service."""

from django.urls import path
from django.views.generic import RedirectView

from apps.auth_service import admin
from apps.auth_service.api import accounts, services, sessions, users
from apps.auth_service.pages import documentation, links, signon
from chassis.admin.signon import exempt
from chassis.urls import urlpatterns as chassis_urlpatterns

urlpatterns = [
    *chassis_urlpatterns,
    path(".well-known/jwks.json", services.KeysView.as_view()),
    path("api/v1/auth/register", accounts.RegisterView.as_view()),
    path("api/v1/auth/token", sessions.TokenView.as_view()),
    path("api/v1/auth/token/refresh", sessions.RefreshView.as_view()),
    path("api/v1/auth/token/revoke", sessions.RevokeView.as_view()),
    path("api/v1/auth/token/revoke-all", sessions.RevokeAllView.as_view()),
    path("api/v1/auth/email/confirm", accounts.ConfirmEmailView.as_view()),
    path("api/v1/auth/password/change", accounts.PasswordChangeView.as_view()),
    path("api/v1/auth/password/reset", accounts.PasswordResetView.as_view()),
    path("api/v1/auth/password/reset/confirm", accounts.PasswordResetConfirmView.as_view()),
    path("api/v1/auth/sessions", sessions.SessionListView.as_view()),
    path("api/v1/auth/sessions/<uuid:session_id>", sessions.SessionView.as_view()),
    path("api/v1/auth/me", accounts.ProfileView.as_view()),
    path("api/v1/auth/users", users.UserListView.as_view()),
    path("api/v1/auth/users/<uuid:user_id>", users.UserView.as_view()),
    path("docs", documentation.DocumentationPage.as_view()),
    path("docs/", documentation.WithSlash.as_view()),
    path("admin/auth/log-in", signon.log_in, name="log_in"),
    # Where Django's own log-in page would be.
    path(
        "admin/auth/login/",
        exempt(RedirectView.as_view(pattern_name="log_in", query_string=True)),
    ),
    path("admin/auth/sign-on", signon.sign_on, name="sign_on"),
    path("admin/auth/log-out", signon.log_out, name="log_out"),
    path("admin/auth/password/reset", links.reset_password, name="password_reset_page"),
    path("admin/auth/email/confirm", links.confirm_email, name="confirm_email_page"),
    path("admin/auth", RedirectView.as_view(url="/admin/auth/")),
    path("admin/auth/", admin.site.urls),
    path("internal/v1/service-tokens", services.ServiceTokenView.as_view()),
]

handler400 = "chassis.problems.bad_request"
handler403 = "chassis.problems.forbidden"
handler404 = "chassis.problems.not_found"
handler500 = "chassis.problems.server_error"
