"""Passwords of a test run."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickArgon2(Argon2PasswordHasher):
    """Argon2 without its cost, which was most of the time that tests of the back office took."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
