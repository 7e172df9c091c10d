"""Accounts for tests."""

from typing import Any

from django.contrib.auth.hashers import make_password
from factory.declarations import Sequence
from factory.django import DjangoModelFactory

from apps.auth_service.models import Role, User

PASSWORD = "correct horse battery"
_HASHED = make_password(PASSWORD)


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    email = Sequence(lambda n: f"user{n}@shop.example")
    name = Sequence(lambda n: f"User {n}")
    password = _HASHED
    role = Role.CUSTOMER


def make_user(**fields: Any) -> User:
    """Return a saved user whose password is PASSWORD."""
    return UserFactory.create(**fields)
