"""Measures every request that Django answers."""

from __future__ import annotations

from django.http import HttpRequest
from django_prometheus.middleware import PrometheusAfterMiddleware
from django_prometheus.utils import Time


class RequestMetricsMiddleware(PrometheusAfterMiddleware):  # type: ignore[misc]
    """Stands near the views; a length that cannot be measured costs the caller no answer."""

    def process_request(self, request: HttpRequest) -> None:
        """Count a request, and begin to measure its time."""
        try:
            super().process_request(request)
        except (ValueError, OverflowError):
            # The length comes last: it is no number, or has more digits than a float can hold.
            # gunicorn refuses the first and lets the second pass, for no route has to read a body.
            request.prometheus_after_middleware_event = Time()  # type: ignore[attr-defined]
