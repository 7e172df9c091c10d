"""What the database itself refuses."""

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.db import IntegrityError, connection
from django.utils import timezone

from apps.auth_service.models import RefreshFamily, RefreshToken, SigningKey, User
from tests.auth_service.factories import PASSWORD, make_user


def family_of(user: User) -> RefreshFamily:
    now = timezone.now()
    return RefreshFamily.objects.create(
        user=user, created_at=now, expires_at=now + timedelta(days=1)
    )


def spendable(family: RefreshFamily, token_hash: str) -> RefreshToken:
    now = timezone.now()
    return RefreshToken.objects.create(
        token_hash=token_hash, family=family, issued_at=now, expires_at=family.expires_at
    )


@pytest.mark.django_db
class TestUser:
    def test_has_an_address_of_its_own_whatever_the_case(self):
        make_user(email="ann@shop.example")
        with pytest.raises(IntegrityError, match="users_email_unique"):
            make_user(email="ANN@shop.example")

    def test_has_a_known_role(self):
        with pytest.raises(IntegrityError, match="users_role_known"):
            make_user(role="king")

    def test_is_found_by_its_natural_key_through_the_index(self):
        user = make_user(email="Ann@shop.example")
        assert User.objects.get_by_natural_key("aNN@shop.example") == user
        with pytest.raises(User.DoesNotExist):
            User.objects.get_by_natural_key(None)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN SELECT 1 FROM users WHERE lower(email) = lower('Ann@x')")
            assert "users_email_unique" in str(cursor.fetchall())

    def test_is_djangos_user_model(self):
        user = make_user()
        assert get_user_model() is User
        assert authenticate(email=user.email.upper(), password=PASSWORD) == user

    @pytest.mark.parametrize(
        ("role", "is_staff"), [("customer", False), ("staff", True), ("admin", True)]
    )
    def test_is_staff_by_role(self, role, is_staff):
        assert User(role=role).is_staff is is_staff


@pytest.mark.django_db
class TestRefreshFamily:
    def test_holds_one_unspent_token(self):
        family = family_of(make_user())
        spendable(family, "a" * 64)
        with pytest.raises(IntegrityError, match="refresh_token_one_unspent_per_family"):
            spendable(family, "b" * 64)

    def test_ends_after_it_begins(self):
        now = timezone.now()
        with pytest.raises(IntegrityError, match="refresh_family_expires_later"):
            RefreshFamily.objects.create(user=make_user(), created_at=now, expires_at=now)


@pytest.mark.django_db
class TestSigningKey:
    def test_has_the_one_algorithm(self):
        now = timezone.now()
        with pytest.raises(IntegrityError, match="signing_key_algorithm"):
            SigningKey.objects.create(
                kid="k",
                algorithm="HS256",
                public_jwk={},
                encrypted_private_pem=b"",
                created_at=now,
                activates_at=now,
            )
