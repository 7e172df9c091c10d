"""Accounts, their log-ins, and the keys that sign their tokens."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from chassis.ids import uuid7
from chassis.tokens.claims import ALGORITHM


class Role(models.TextChoices):
    """What a user may do; an admin may do all that staff may."""

    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"


class UserManager(models.Manager["User"]):
    """What Django's authentication asks of a user model's manager."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user of an e-mail address in any case; uses the index of the constraint."""
        return self.alias(lower=Lower("email")).get(lower=Lower(models.Value(username or "")))


class User(AbstractBaseUser):
    """An account. The e-mail address is kept as typed and is unique whatever its case."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=150)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.CUSTOMER)
    is_active = models.BooleanField(default=True)
    awaits_confirmation = models.BooleanField(default=False, db_default=False)
    """Registered while VERIFY_EMAIL is on, and the address is not confirmed yet: no log-in."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_login = None  # a log-in is a RefreshFamily

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        db_table = "users"  # "user" is a word of SQL
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="users_email_unique"),
            models.CheckConstraint(
                condition=Q(role__in=["customer", "staff", "admin"]), name="users_role_known"
            ),
        ]

    @property
    def may_log_in(self) -> bool:
        """Tell whether the right password opens the account."""
        return self.is_active and not self.awaits_confirmation

    @property
    def is_staff(self) -> bool:
        """Tell whether staff's pages are open to the user."""
        return self.role in {Role.STAFF, Role.ADMIN}


class RefreshFamily(models.Model):
    """One log-in on one device, and all the refresh tokens that come of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="families")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    device = models.CharField(max_length=200, blank=True, default="")
    ip = models.GenericIPAddressField(null=True)

    class Meta:
        db_table = "refresh_family"
        verbose_name = "session"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="refresh_family_expires_later"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="refresh_family_expires_at")]

    def __str__(self) -> str:
        return str(self.pk)


class RefreshToken(models.Model):
    """One use of a log-in. Only a hash of the token is kept: it is random, so SHA-256 does."""

    token_hash = models.CharField(max_length=64, primary_key=True)
    family = models.ForeignKey(RefreshFamily, on_delete=models.CASCADE, related_name="tokens")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "refresh_token"
        constraints: ClassVar = [
            # Whatever the code does, a family cannot fork.
            models.UniqueConstraint(
                fields=["family"],
                condition=Q(consumed_at__isnull=True),
                name="refresh_token_one_unspent_per_family",
            ),
        ]

    def __str__(self) -> str:
        return f"of log-in {self.family_id}"


class SigningKey(models.Model):
    """A key pair. It is published until `retired_at`; the newest that is active signs."""

    kid = models.CharField(max_length=64, primary_key=True)
    algorithm = models.CharField(max_length=10, default=ALGORITHM)
    public_jwk = models.JSONField()
    encrypted_private_pem = models.BinaryField()
    created_at = models.DateTimeField()
    activates_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "signing_key"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(algorithm="ES256"), name="signing_key_algorithm"),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(retired_at__gt=F("activates_at")),
                name="signing_key_retires_later",
            ),
        ]

    def __str__(self) -> str:
        return self.kid


class Counter(models.Model):
    """How often something came that must not come too often, and until when it is not taken.

    That is failed log-ins in a row, of an account, of an address, or of an account from an address;
    and mails to an account. The key begins with which. An attempt is counted before its password is
    looked at, so that attempts at once all count.
    """

    key = models.CharField(max_length=120, primary_key=True)
    count = models.PositiveIntegerField()
    last_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "counter"
        indexes: ClassVar = [models.Index(fields=["last_at"], name="counter_last_at")]

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"


class ServiceClient(models.Model):
    """When another service last got a token, and with which of its secrets: what a rotation waits for."""

    client_id = models.CharField(max_length=50, primary_key=True)
    last_token_at = models.DateTimeField()
    last_secret = models.CharField(max_length=8)
    """The first digits of the secret's hash."""

    class Meta:
        db_table = "service_client"

    def __str__(self) -> str:
        return self.client_id
