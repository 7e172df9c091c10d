"""Signing keys: seen by staff, rotated by admins. The private halves are on no page."""

from typing import Any

from django.db.models import Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format

from apps.auth_service import selectors
from apps.auth_service.services import keys
from chassis.admin.asking import Question
from chassis.admin.display import code, pretty_json, when, whole_time
from chassis.admin.options import ReadOnlyAdmin, actor_id
from chassis.admin.theme import action, display


class SigningKeyAdmin(ReadOnlyAdmin):
    """Key pairs, and what each is good for now."""

    list_display = ("kid_", "state", "algorithm", "made", "signs_from", "retirement")
    ordering = ("-activates_at", "-pk")
    fields = (
        "kid",
        "state",
        "algorithm",
        "created_at",
        "signs_from",
        "retirement",
        "public_half",
    )
    readonly_fields = fields
    audit_type = "signing_key"
    has_history = True
    actions_list = ("rotate",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the keys without their private halves, each beside the one that signs."""
        signing = selectors.published_keys().filter(activates_at__lte=timezone.now())
        rows = super().get_queryset(request).defer("encrypted_private_pem")
        return rows.annotate(signing_kid=Subquery(signing.values("kid")[:1]))

    @display(description="Key")
    def kid_(self, obj: Any) -> str:
        """Return the key's id."""
        return code(obj.kid)

    @display(
        description="State",
        label={"signs": "success", "waits": "info", "verifies only": "warning", "retired": ""},
    )
    def state(self, obj: Any) -> str:
        """Return what the key is good for."""
        now = timezone.now()
        if obj.retired_at is not None and obj.retired_at <= now:
            return "retired"
        if obj.activates_at > now:
            return "waits"
        return "signs" if obj.kid == obj.signing_kid else "verifies only"

    @display(description="Made")
    def made(self, obj: Any) -> str:
        """Return how long ago it was made."""
        return when(obj.created_at)

    @display(description="Signs from")
    def signs_from(self, obj: Any) -> str:
        """Return when it takes over, or took."""
        return whole_time(obj.activates_at)

    @display(description="Retirement")
    def retirement(self, obj: Any) -> str:
        """Return until when it is published, if that is known."""
        if obj.retired_at is None:
            return ""
        verb = "retired" if obj.retired_at <= timezone.now() else "retires"
        return f"{verb} {whole_time(obj.retired_at)}"

    @display(description="Public half")
    def public_half(self, obj: Any) -> str:
        """Return what verifiers get."""
        return pretty_json(obj.public_jwk)

    @action(description="Rotate", url_path="rotate", permissions=["admin"], icon="autorenew")
    def rotate(self, request: HttpRequest) -> HttpResponse:
        """Add a key that takes over."""
        question = Question(
            title="Rotate signing key",
            text="A new key is published now and signs once every service has learnt it."
            " The present one verifies until its last token has ended. Nobody is logged out.",
            button="Rotate",
        )

        def act(_: str) -> str:
            key = keys.rotate(by=actor_id(request))
            return f"The new key signs from {date_format(key.activates_at, 'H:i:s')} UTC on."

        return self.confirmed(request, None, question, act)
