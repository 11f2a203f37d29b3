"""Secrets at rest: encrypted by a key that follows from SECRET_KEY.

A dump of the database alone signs nothing. To change SECRET_KEY, put the old one into
SECRET_KEY_FALLBACKS: it still opens what it sealed.
"""

from __future__ import annotations

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """None of the keys opens it: SECRET_KEY was changed and the old one forgotten."""


def seal(secret: str) -> str:
    """Encrypt a secret by the current key."""
    return _keys().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt a secret that the current key or a former one has sealed.

    :raises Unreadable: if neither has.
    """
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def seal_anew(sealed: str) -> str:
    """Encrypt by the current key what any of them has sealed.

    :raises Unreadable: if none has.
    """
    return seal(unseal(sealed))


def _keys() -> MultiFernet:
    return _keys_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@cache
def _keys_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(key: str) -> bytes:
    # SECRET_KEY also signs sessions; a key of its own for each purpose follows from it.
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"wallet webhook secrets v1")
    return base64.urlsafe_b64encode(hkdf.derive(key.encode()))
