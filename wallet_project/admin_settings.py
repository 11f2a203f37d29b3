"""Settings of the back office; `settings.py` takes them all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

from wallet_project import env
from wallet_project.back_office.navigation import SIDEBAR

# --- Signing in -------------------------------------------------------------------------------

LOGIN_URL = "admin:login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
OTP_TOTP_ISSUER = "Wallet service"
ADMIN_LOCKOUT_FAILURES = env.number("ADMIN_LOCKOUT_FAILURES", 5, least=1)
ADMIN_LOCKOUT_MINUTES = env.number("ADMIN_LOCKOUT_MINUTES", 15, least=1)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = ADMIN_LOCKOUT_FAILURES
AXES_COOLOFF_TIME = timedelta(minutes=ADMIN_LOCKOUT_MINUTES)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "wallet_project.kit.callers.address_of"
AXES_LOCKOUT_CALLABLE = "wallet_project.back_office.lockout.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
"""Who signed in, and who failed to, stands in the audit log."""

# --- Sessions ---------------------------------------------------------------------------------

SESSION_ENGINE = "django.contrib.sessions.backends.db"
"""Without a copy in a cache, which would outlive a logout while Redis does not answer."""
SESSION_COOKIE_AGE = 60 * env.number("ADMIN_IDLE_MINUTES", 30, least=2)
ADMIN_SESSION_SECONDS = 3600 * env.number("ADMIN_SESSION_HOURS", 8, least=1)
"""After so long even a busy session ends."""
ADMIN_SIGN_IN_SECONDS = 600
"""How long there is between the password and the code."""
SESSION_COOKIE_SECURE = env.flag("ADMIN_COOKIES_SECURE", default=True)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_PATH = "/admin/"
"""No call of the API carries it."""
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_PATH = SESSION_COOKIE_PATH
CSRF_FAILURE_VIEW = "wallet_project.landing.refused_form"

# --- Content policies -------------------------------------------------------------------------

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {"default-src": ["'none'"], "frame-ancestors": ["'none'"]}
}
"""For every answer that has none of its own: nothing in it is loaded, run or framed."""
ADMIN_CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "default-src": ["'none'"],
    # Unfold's pages run Alpine and htmx, which compile the expressions in their attributes.
    "script-src": ["'self'", "'unsafe-eval'"],
    # Unfold writes the theme's colours into a <style>, and its scripts set style attributes.
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}

# --- Look -------------------------------------------------------------------------------------


def _favicon(request: HttpRequest) -> str:  # noqa: ARG001
    """Return the picture of `templates/page.html`; a text here would be taken for a module."""
    return (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
        "%3Crect x='2' y='7' width='28' height='19' rx='5' fill='%237c3aed'/%3E"
        "%3Ccircle cx='23' cy='16.5' r='2.6' fill='%23fff'/%3E%3C/svg%3E"
    )


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Wallet service",
    "SITE_HEADER": "Wallet service",
    "SITE_SUBHEADER": "Books, wallets, clients",
    "SITE_SYMBOL": "account_balance_wallet",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _favicon}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": SIDEBAR,
    "DASHBOARD_CALLBACK": "wallet_project.back_office.home.dashboard",
    "ACCOUNT": {
        "navigation": [
            {"title": "Second factor", "link": reverse_lazy("admin:security")},
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
        ]
    },
}

# --- Four eyes ---------------------------------------------------------------------------------

APPROVAL_HOURS = env.number("APPROVAL_HOURS", 72, least=1)
"""For so long a request for approval waits for a second person."""
REBUILD_UNAPPROVED_WALLETS = env.number("REBUILD_UNAPPROVED_WALLETS", 1_000)
"""So many wallets `rebuild_balances` mends without a second person."""
APPROVAL_LIMIT_DEFAULT = env.number("APPROVAL_LIMIT_DEFAULT", 10_000)
"""What a role may ask for and approve in one request, in major units of a currency in which it has
no limit of its own."""
