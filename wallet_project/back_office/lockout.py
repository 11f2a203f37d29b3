"""What somebody sees who has guessed too often."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from wallet_project.kit import clock
from wallet_project.kit.callers import address_of
from wallet_project.kit.database import PRIMARY


def locked_until(request: HttpRequest, username: str) -> datetime:
    """Tell when this user may try again from this address."""
    attempts = AccessAttempt.objects.using(PRIMARY).filter(
        username=username, ip_address=address_of(request)
    )
    last = attempts.aggregate(last=Max("attempt_time"))["last"] or clock.now()
    return last + settings.AXES_COOLOFF_TIME


def locked_out(
    request: HttpRequest,
    response: HttpResponse | None,  # noqa: ARG001
    credentials: dict[str, Any] | None,
) -> HttpResponse:
    """Answer an attempt that came too often; the axes middleware calls this."""
    until = locked_until(request, (credentials or {}).get("username") or "")
    seconds = max(1, int((until - clock.now()).total_seconds()) + 1)
    context = admin.site.each_context(request) | {"title": "Too many attempts", "until": until}
    page = render(request, "admin/back_office/locked_out.html", context, status=429)
    page.headers["Retry-After"] = str(seconds)
    page.headers["Cache-Control"] = "no-store"
    return page
