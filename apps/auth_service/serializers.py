"""Shapes of requests and answers."""

from typing import Any

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers
from rest_framework.fields import get_error_detail

from apps.auth_service.models import RefreshFamily, Role, User
from chassis.fields import BooleanField, TextField
from chassis.openapi import example


class EmailField(TextField, serializers.EmailField):
    """An e-mail address as a JSON string."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=254, **options)

    def to_internal_value(self, data: Any) -> str:
        """Return the address.

        Raises:
            ValidationError: it is none, or its domain has no form for the wire (RFC 5891).
        """
        email = super().to_internal_value(data)
        try:
            email.rpartition("@")[2].encode("idna")
        except UnicodeError:
            self.fail("invalid")
        return email


class NameField(TextField):
    """A person's name: one line of printable text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=150, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the name.

        Raises:
            ValidationError: it is empty, too long or holds control characters.
        """
        name = super().run_validation(data)
        if isinstance(name, str) and not name.isprintable():
            raise serializers.ValidationError("Use printable characters only.", code="unprintable")
        return name


class PasswordField(TextField):
    """A password, taken as it is; bounded, since every byte of it is hashed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=256, trim_whitespace=False, write_only=True, **options)


@example(
    {"email": "ada@shop.example", "password": "a long phrase of yours", "name": "Ada Lovelace"}
)
class RegistrationInput(serializers.Serializer[None]):
    """An account to open."""

    email = EmailField()
    password = PasswordField(help_text="At least 10 characters, not common, unlike name and e-mail")
    name = NameField()

    def validate_password(self, password: str) -> str:
        """Return the password.

        Raises:
            ValidationError: one of AUTH_PASSWORD_VALIDATORS refuses it.
        """
        given = {name: str(self.initial_data.get(name, "")) for name in ("email", "name")}
        try:
            password_validation.validate_password(password, user=User(**given))
        except DjangoValidationError as error:
            raise serializers.ValidationError(get_error_detail(error)) from error
        return password


@example({"email": "ada@shop.example", "password": "a long phrase of yours"})
class CredentialsInput(serializers.Serializer[None]):
    """Who logs in. Only bounded: what could be no account's is answered as any wrong password."""

    email = TextField(max_length=254)
    password = PasswordField()


class AcceptedOutput(serializers.Serializer[Any]):
    """Something was accepted; what becomes of it, a mail tells."""

    detail = serializers.CharField()


class PasswordChangeInput(serializers.Serializer[None]):
    """The own password, old and new."""

    current_password = PasswordField()
    new_password = PasswordField()


class PasswordResetInput(serializers.Serializer[None]):
    """Whose password is to be set anew."""

    email = EmailField()


class LinkInput(serializers.Serializer[None]):
    """The token of a link that was mailed."""

    token = TextField(max_length=200)


class ConfirmationInput(LinkInput):
    """The token, and the password that was chosen at registration."""

    password = PasswordField()


class NewPasswordInput(LinkInput):
    """The token of a mailed link, and the new password."""

    new_password = PasswordField()


class RefreshInput(serializers.Serializer[None]):
    """A refresh token."""

    refresh = TextField(max_length=4096, trim_whitespace=False)


@example(
    {
        "access": "eyJhbGciOiJFUzI1NiIs…",
        "refresh": "kQ0xv…",
        "token_type": "Bearer",
        "expires_in": 300,
    }
)
class GrantOutput(serializers.Serializer[Any]):
    """Tokens of a log-in; `expires_in` is the access token's life in seconds (RFC 6749)."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    token_type = serializers.CharField(default="Bearer")
    expires_in = serializers.IntegerField()


@example(
    {
        "id": "019b76da-a800-7000-8000-000000000001",
        "email": "ada@shop.example",
        "name": "Ada Lovelace",
        "role": "customer",
    }
)
class ProfileOutput(serializers.Serializer[User]):
    """An account, as its owner sees it."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)


@example({"name": "Ada King"})
class ProfileInput(serializers.Serializer[None]):
    """What an account's owner may change."""

    name = NameField(required=False)


class SessionOutput(serializers.Serializer[RefreshFamily]):
    """A log-in, as its user sees it; `device` is what the client called itself.

    Which one the caller's own token came of is not told: an access token names no log-in.
    """

    id = serializers.UUIDField()
    device = serializers.CharField()
    address = serializers.IPAddressField(source="ip", allow_null=True)
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField()


class SessionListOutput(serializers.Serializer[Any]):
    """A page of log-ins."""

    results = SessionOutput(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


@example(
    {
        "id": "019b76da-a800-7000-8000-000000000001",
        "email": "ada@shop.example",
        "name": "Ada Lovelace",
        "role": "customer",
        "is_active": True,
        "created_at": "2026-01-02T03:04:05.000000Z",
    }
)
class UserOutput(ProfileOutput):
    """A user, as an admin sees him."""

    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()


@example({"role": "staff"})
class AccessInput(serializers.Serializer[None]):
    """What an admin changes of a user."""

    role = serializers.ChoiceField(choices=Role.choices, required=False)
    is_active = BooleanField(required=False)


class UserFilterInput(serializers.Serializer[Any]):
    """Query parameters of the list of users."""

    role = serializers.ChoiceField(choices=Role.choices, required=False)
    is_active = serializers.BooleanField(required=False, default=None, allow_null=True)


class UserListOutput(serializers.Serializer[Any]):
    """A page of users."""

    results = UserOutput(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class JWKOutput(serializers.Serializer[Any]):
    """A public key (RFC 7517, RFC 7518 section 6.2)."""

    kty = serializers.CharField()
    crv = serializers.CharField()
    x = serializers.CharField()
    y = serializers.CharField()
    kid = serializers.CharField()
    alg = serializers.CharField()
    use = serializers.CharField()


class JWKSetOutput(serializers.Serializer[Any]):
    """The keys that access tokens are verified with."""

    keys = JWKOutput(many=True)


class ServiceTokenOutput(serializers.Serializer[Any]):
    """A service's own token; `expires_in` is its life in seconds."""

    access = serializers.CharField()
    expires_in = serializers.IntegerField()
