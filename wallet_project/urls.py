"""Every URL of the service."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from wallet_project import health, landing, metrics_view

urlpatterns = [
    path("", landing.landing),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("health", health.ready),
    path("health/ready", health.ready),
    path("health/live", health.live),
    path("q/health", health.checks),
    path("metrics", metrics_view.metrics),
]

handler400 = "wallet_project.landing.bad_request"
handler403 = "wallet_project.landing.forbidden"
handler404 = "wallet_project.landing.not_found"
handler500 = "wallet_project.landing.server_error"
