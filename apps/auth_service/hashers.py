"""How passwords are hashed."""

from typing import Any

from argon2.exceptions import InvalidHash
from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id as OWASP's Password Storage Cheat Sheet gives it: 19 MiB, two passes, one lane.

    Django's own 100 MiB and eight lanes would let eight log-ins at once take 800 MiB.
    """

    memory_cost = 19_456  # KiB
    time_cost = 2
    parallelism = 1

    def verify(self, password: str, encoded: str) -> bool:
        """Tell whether the password is right; none is for a hash that is damaged."""
        try:
            return bool(super().verify(password, encoded))
        except InvalidHash:
            return False

    def must_update(self, encoded: str) -> Any:
        """Tell whether the hash is to be made anew: also one that is damaged."""
        try:
            return super().must_update(encoded)
        except InvalidHash:
            return True
