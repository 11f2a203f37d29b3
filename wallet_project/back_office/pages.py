"""The pages between the password and the back office, and the one for the second factor."""

from __future__ import annotations

from typing import Any, Final, cast

import segno
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django_otp.plugins.otp_static.models import StaticDevice

from wallet_project.back_office import second_factor, sessions
from wallet_project.back_office.errors import AlreadyEnrolled
from wallet_project.back_office.forms import CodeForm
from wallet_project.back_office.second_factor import Verdict
from wallet_project.kit import audit

NEXT: Final = "next"
_KEY: Final = "enrolment_key"
"""Where the session keeps a secret until its first code was typed."""


def next_step(request: HttpRequest) -> HttpResponse:
    """Send somebody whose password was right to the second step."""
    step = "admin:code" if second_factor.is_enrolled(_user(request)) else "admin:enrol"
    return redirect(f"{reverse(step)}?{urlencode({NEXT: _goal(request)})}")


def code(request: HttpRequest) -> HttpResponse:
    """Ask for a code, and let in who has one."""
    if not _has_half_signed_in(request):
        return redirect("admin:index")
    user = _user(request)
    if not second_factor.is_enrolled(user):
        return next_step(request)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        verdict = second_factor.verify(user, form.cleaned_data["code"], audit.actor_of(request))
        if verdict.device is not None:
            sessions.complete(request, verdict.device)
            _warn_of_few_codes(request, user, verdict)
            return redirect(_goal(request))
        form.add_error("code", _refusal(verdict))
    return _show(request, "code.html", {"title": "Second step", "form": form})


def enrol(request: HttpRequest) -> HttpResponse:
    """Show the secret of a new authenticator, and let in who types its first code."""
    if not _has_half_signed_in(request):
        return redirect("admin:index")
    user = _user(request)
    if second_factor.is_enrolled(user):
        return next_step(request)
    key = request.session.setdefault(_KEY, second_factor.new_key())
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data["code"].replace(" ", "")
        try:
            made = second_factor.enrol(user, key, typed, audit.actor_of(request))
        except AlreadyEnrolled:  # in another window, just now
            return next_step(request)
        if made is not None:
            del request.session[_KEY]
            sessions.complete(request, made.device)
            return _show_codes(request, made.recovery_codes)
        form.add_error("code", "This is not the code of now; is the phone's clock right?")
    facts = {
        "title": "Your authenticator",
        "form": form,
        "secret": second_factor.as_base32(key),
        "picture": segno.make(second_factor.uri_of(user, key), error="m").svg_data_uri(
            scale=5, light="white"
        ),
    }
    return _show(request, "enrol.html", facts)


def security(request: HttpRequest) -> HttpResponse:
    """Show what somebody's own second factor is, and make new recovery codes."""
    user = _user(request)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        typed, actor = form.cleaned_data["code"], audit.actor_of(request)
        verdict, codes = second_factor.renew_recovery_codes(user, typed, actor)
        if codes:
            return _show_codes(request, codes)
        form.add_error("code", _refusal(verdict))
    left = second_factor.recovery_codes_left(user)
    return _show(
        request, "security.html", {"title": "Second factor", "form": form, "codes_left": left}
    )


def _has_half_signed_in(request: HttpRequest) -> bool:
    user: Any = request.user
    return bool(user.is_active and user.is_staff and not user.is_verified())


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _goal(request: HttpRequest) -> str:
    """Return the page that was asked for, if it is one of ours."""
    goal = request.POST.get(NEXT) or request.GET.get(NEXT) or ""
    ours = url_has_allowed_host_and_scheme(goal, {request.get_host()}, request.is_secure())
    return goal if ours and goal.startswith("/admin/") else reverse("admin:index")


def _refusal(verdict: Verdict) -> str:
    if verdict.again_at is None:
        return "This code is wrong, or was used already. Wait for the next one."
    return f"Too many wrong codes. Try again after {verdict.again_at:%H:%M:%S} UTC."


def _warn_of_few_codes(request: HttpRequest, user: User, verdict: Verdict) -> None:
    if isinstance(verdict.device, StaticDevice):
        left = second_factor.recovery_codes_left(user)
        messages.warning(request, f"You used a recovery code; {left} are left.")


def _show(request: HttpRequest, template: str, facts: dict[str, Any]) -> HttpResponse:
    context = admin.site.each_context(request) | facts | {NEXT: _goal(request)}
    return render(request, f"admin/back_office/{template}", context)


def _show_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return _show(request, "recovery_codes.html", {"title": "Recovery codes", "codes": codes})
