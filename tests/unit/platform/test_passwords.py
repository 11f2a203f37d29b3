"""How passwords are kept in production."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.utils.module_loading import import_string

from wallet_project import security_settings

OWASP_KIBIBYTES: Final = 19_456
"""The least memory for Argon2id, with two passes, by OWASP's cheat sheet on storing passwords."""


def test_a_guess_at_a_password_is_costly() -> None:
    names = security_settings.PASSWORD_HASHERS
    first = import_string(names[0])
    assert first is Argon2PasswordHasher
    assert first.memory_cost >= OWASP_KIBIBYTES
    assert first.time_cost >= 2
