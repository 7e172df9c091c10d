"""What a caller of the auth service may get wrong."""

from chassis.errors import NotFound, PublicError

__all__ = [
    "ClientInvalid",
    "CredentialsInvalid",
    "EmailTaken",
    "NotAdmin",
    "NotFound",
    "OwnAccount",
    "TokenInvalid",
]


class EmailTaken(PublicError):
    """An account has this e-mail address, in whatever case."""

    code = "email-taken"
    title = "An account with this e-mail address exists already"


class CredentialsInvalid(PublicError):
    """No active account has this e-mail address and password; says no more than that."""

    code = "credentials-invalid"
    title = "E-mail address or password is wrong"


class TokenInvalid(PublicError):
    """The token is unknown, spent, revoked or expired, or its account is inactive."""

    code = "token-invalid"
    title = "The token is not valid"


class ClientInvalid(PublicError):
    """No service has this client id and secret."""

    code = "client-invalid"
    title = "Client id or secret is wrong"


class NotAdmin(PublicError):
    """The caller's account is no active admin's (any more), whatever the token says."""

    code = "permission-denied"
    title = "Your role may not do this"


class OwnAccount(PublicError):
    """An admin would lock their own account out."""

    code = "own-account"
    title = "Another admin must change your role or deactivate you"
