"""Encryption of secrets that are kept in a database."""

from functools import cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


@cache
def fernet() -> MultiFernet:
    """Return the cipher of ENCRYPTION_KEYS: the first key encrypts, every one decrypts."""
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])
