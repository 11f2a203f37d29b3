"""How long a member of staff stays signed in: minutes without a click, hours in all."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import django_otp
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponseBase
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from wallet_project.kit import servers

SINCE: Final = "signed_in_at"
SEEN: Final = "seen_at"
SEEN_EVERY_SECONDS: Final = 60
"""How exactly idleness is told; a write for each click would tell it no better."""


def begin(request: HttpRequest) -> None:
    """Note that the password was right. Django has given the session a new key already."""
    request.session.pop(DEVICE_ID_SESSION_KEY, None)
    request.session[SINCE] = request.session[SEEN] = int(time.time())


def complete(request: HttpRequest, device: Device) -> None:
    """Note that the second factor was right, under another new key."""
    request.session.cycle_key()
    django_otp.login(request, device)
    request.session[SINCE] = request.session[SEEN] = int(time.time())


class SessionLimits:
    """Stands after the middleware that knows the user; ends what has lasted too long."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith("/admin/") and SESSION_KEY in request.session:
            self._look_at(request)
        return self.get_response(request)

    def _look_at(self, request: HttpRequest) -> None:
        now = int(time.time())
        # Asked before the user is, who forgets a device that is gone.
        names_device = DEVICE_ID_SESSION_KEY in request.session
        user: Any = request.user
        if now - int(request.session.get(SINCE, 0)) > _seconds_allowed(names_device=names_device):
            logout(request)
            messages.info(request, "You were signed out: the session had lasted long enough.")
        elif names_device and not user.is_verified():
            # Or whoever holds this session could enrol an authenticator of his own.
            logout(request)
            messages.info(request, "You were signed out: the second factor was reset.")
        elif servers.is_read_only():
            pass  # what is read from the replica cannot be written down
        elif now - int(request.session.get(SEEN, 0)) >= SEEN_EVERY_SECONDS:
            # A changed session is saved, and its cookie sent again, with a new end.
            request.session[SEEN] = now


def _seconds_allowed(*, names_device: bool) -> int:
    return settings.ADMIN_SESSION_SECONDS if names_device else settings.ADMIN_SIGN_IN_SECONDS
