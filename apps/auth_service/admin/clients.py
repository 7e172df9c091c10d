"""The services that get tokens of their own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from apps.auth_service import conf
from apps.auth_service.models import ServiceClient
from chassis.admin.options import ReadOnlyAdmin


@dataclass(frozen=True, slots=True)
class Client:
    """A service, as it is configured and as it was last seen. No secret, and no hash of one."""

    client_id: str
    scopes: list[str]
    secrets: int
    last_token_at: datetime | None
    last_secret: str


class ServiceClientAdmin(ReadOnlyAdmin):
    """One page: which services there are is configuration, not rows."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the clients."""
        seen = {row.client_id: row for row in ServiceClient.objects.all()}
        clients = [_client(client_id, seen.get(client_id)) for client_id in conf.CLIENT_SCOPES]
        return self.page(
            request, "accounts/admin/clients.html", title="Service clients", clients=clients
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Answer that a client has no page of its own."""
        raise Http404


def _client(client_id: str, seen: ServiceClient | None) -> Client:
    hashes = list(conf.client_secret_hashes(client_id))
    used = [
        number for number, one in enumerate(hashes, 1) if seen and one.startswith(seen.last_secret)
    ]
    known = f"secret {used[0]} of {len(hashes)}" if used else "one no longer accepted"
    return Client(
        client_id=client_id,
        scopes=conf.CLIENT_SCOPES[client_id].split(),
        secrets=len(hashes),
        last_token_at=seen.last_token_at if seen else None,
        last_secret=known if seen else "",
    )
