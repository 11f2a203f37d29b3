"""Failed logins, lock-outs and logouts, for the audit log.

Signals are not our way: nothing of the business listens to any. Django's login and axes tell of
these three by signals alone, so this file listens to them, and to nothing else. A login itself is
recorded where the second factor is taken (`second_factor.py`).
"""

from __future__ import annotations

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.db import transaction
from django.http import HttpRequest

from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.callers import address_of
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.request_id import request_id_of

NOBODY = "nobody"
"""The actor of an attempt to sign in: it has shown nothing yet."""


def listen() -> None:
    """Connect the three; Django forgets a second time."""
    user_login_failed.connect(_on_failure, dispatch_uid="back_office.login_failed")
    user_locked_out.connect(_on_lock_out, dispatch_uid="back_office.lock_out")
    user_logged_out.connect(_on_logout, dispatch_uid="back_office.logout")


def _on_failure(credentials: dict[str, Any], request: HttpRequest | None, **_: Any) -> None:
    # What is turned away unread while the lock holds is not noted: nobody could stop the flood.
    counted = getattr(request, "axes_failures_since_start", None) is not None
    if request is not None and counted:
        _attempt(request, "login_failed", credentials.get("username", ""), {"step": "password"})


def _on_lock_out(request: HttpRequest, username: str, **_: Any) -> None:
    counted = getattr(request, "axes_failures_since_start", None)
    if counted is not None:
        _attempt(request, "lock_out", username, {"failures": counted})


def _on_logout(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        with transaction.atomic(using=PRIMARY):
            who = Actor(
                f"staff:{user.pk}", user.get_username(), address_of(request), request_id_of(request)
            )
            audit.record(who, Act("user.logout", "auth.user", str(user.pk)))


def _attempt(request: HttpRequest, verb: str, username: str, detail: dict[str, Any]) -> None:
    # A name that nobody has may be a password typed into the wrong box: it is not kept.
    known = User.objects.using(PRIMARY).filter(username=username).first()
    name, subject = (known.get_username(), str(known.pk)) if known else ("", "")
    who = Actor(NOBODY, name, address_of(request), request_id_of(request))
    with transaction.atomic(using=PRIMARY):
        audit.record(who, Act(f"user.{verb}", "auth.user", subject, detail=detail))
