"""Where a call comes from: one rule for the API, the audit log and the lock-out."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def caller_of(peer: str, headers: Mapping[str, str]) -> str:
    """Tell the address a call comes from: the peer's, or what our own edge says where we stand
    behind one. It has put its word last, whatever the caller wrote before."""
    if settings.BEHIND_EDGE and "x-forwarded-for" in headers:
        return headers["x-forwarded-for"].rpartition(",")[2].strip()
    return peer


def address_of(request: HttpRequest) -> str | None:
    """Tell the address of a request as a database keeps it; None where there is none."""
    told = caller_of(request.META.get("REMOTE_ADDR") or "", request.headers)
    try:
        return str(ip_address(told))
    except ValueError:  # a socket of this machine, or a proxy that tells something else
        return None
