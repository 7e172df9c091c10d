"""Who is asking, where a service asks for its token."""

from typing import Any

from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.auth_service import conf
from apps.auth_service.errors import ClientInvalid
from apps.auth_service.services import clients
from chassis.tokens.principal import Principal


class ClientAuthentication(BasicAuthentication):
    """Accepts client id and secret of a service (RFC 6749 section 2.3.1)."""

    www_authenticate_realm = "souk-internal"

    def authenticate(self, request: Request) -> Any:
        """Return the client, or None where no Basic credentials are sent.

        Raises:
            ClientInvalid: they are wrong or malformed.
        """
        try:
            return super().authenticate(request)
        except AuthenticationFailed as error:
            raise ClientInvalid from error

    def authenticate_credentials(
        self, userid: str, password: str, request: Any = None
    ) -> tuple[Any, Any]:
        """Return the client, and which of its secrets it showed.

        Raises:
            ClientInvalid: it is unknown or its secret is wrong.
        """
        secret = clients.verify_client(userid, password)
        scopes = frozenset(conf.CLIENT_SCOPES[userid].split())
        return Principal(subject=userid, role="service", scopes=scopes), secret
