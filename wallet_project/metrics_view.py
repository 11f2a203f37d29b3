"""The page that Prometheus reads, shown to its own network only."""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# A proxy on this machine has a loopback address too; what it forwards comes from elsewhere.
_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Write all metrics; from elsewhere the page does not exist."""
    if not may_read(request):
        raise Http404
    page: HttpResponse = ExportToDjangoView(request)
    return page


def may_read(request: HttpRequest) -> bool:
    """Tell whether the peer itself belongs to a network in METRICS_NETWORKS."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        peer = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False  # a Unix socket: a proxy's
    return any(peer in network for network in _networks(tuple(settings.METRICS_NETWORKS)))


@cache
def _networks(names: tuple[str, ...]) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(name) for name in names)
