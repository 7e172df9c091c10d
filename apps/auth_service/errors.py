"""What a caller of the auth service may get wrong."""

from chassis.errors import NotFound, PublicError

__all__ = [
    "ClientInvalid",
    "CredentialsInvalid",
    "EmailTaken",
    "LeadOutOfRange",
    "LinkInvalid",
    "NotAdmin",
    "NotFound",
    "NotStaff",
    "OwnAccount",
    "PasswordUnfit",
    "PasswordWrong",
    "RotationUnderWay",
    "TokenInvalid",
    "TooManyAttempts",
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


class LinkInvalid(TokenInvalid):
    """The token of a mail's link is unknown, used up or expired, or its account is inactive.

    A problem of its own: `token-invalid` tells a client to get a new access token.
    """

    code = "link-invalid"
    title = "The link is used up, expired or not valid"


class TooManyAttempts(PublicError):
    """Too many wrong passwords, for this account or from this address; says no more than that."""

    code = "rate-limited"
    title = "Too many requests"


class PasswordWrong(PublicError):
    """The password that is asked for again is not that."""

    code = "validation-failed"
    title = "Some fields are not valid"

    def __init__(self, field: str) -> None:
        """Point at the field."""
        entry = {
            "pointer": f"#/{field}",
            "detail": "This is not the account's password.",
            "code": "password-wrong",
        }
        super().__init__(errors=[entry])


class PasswordUnfit(PublicError):
    """The new password is too short, too common or too like the account; `errors` tell which."""

    code = "validation-failed"
    title = "Some fields are not valid"


class ClientInvalid(PublicError):
    """No service has this client id and secret."""

    code = "client-invalid"
    title = "Client id or secret is wrong"


class NotAdmin(PublicError):
    """The caller's account is no active admin's (any more), whatever the token says."""

    code = "permission-denied"
    title = "Your role may not do this"


class NotStaff(PublicError):
    """The account may not use the admin."""

    code = "permission-denied"
    title = "Your role may not do this"


class OwnAccount(PublicError):
    """An admin would lock their own account out."""

    code = "own-account"
    title = "Another admin must change your role or deactivate you"


class RotationUnderWay(PublicError):
    """The new key of the last rotation does not sign yet."""

    code = "rotation-under-way"
    title = "The signing key is being rotated already"


class LeadOutOfRange(PublicError):
    """A new key would sign before every verifier has it, or absurdly late."""

    code = "lead-out-of-range"
    title = "A new key cannot sign that soon, or that late"
