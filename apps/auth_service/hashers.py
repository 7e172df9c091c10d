"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id as OWASP's Password Storage Cheat Sheet gives it: 19 MiB, two passes, one lane.

    Django's own 100 MiB and eight lanes would let eight log-ins at once take 800 MiB.
    """

    memory_cost = 19_456  # KiB
    time_cost = 2
    parallelism = 1
