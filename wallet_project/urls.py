"""Every URL of the service."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView

from wallet_project import exception_handler, health, landing, metrics_view
from wallets.api import docs
from wallets.api.short import urls as short

_status_of = {"status_of": exception_handler.status_of}

documentation = [
    path("api/schema/", docs.SchemaView.as_view(), name="schema"),
    path("api/docs/", docs.SwaggerView.as_view(), name="docs"),
    path("api/redoc/", docs.RedocView.as_view()),
    path("problems", csrf_exempt(docs.problem_index), _status_of),
    path("problems/<str:code>", csrf_exempt(docs.problem_page), _status_of),
    path("api/redoc", RedirectView.as_view(url="/api/redoc/")),
    path("api/schema", RedirectView.as_view(url="/api/schema/")),
    # Addresses under which people look for it out of habit.
    re_path(
        r"^(api/?|api/docs|swagger/?|swagger/index\.html|q/swagger-ui/?|q/dev/?)$",
        RedirectView.as_view(url="/api/docs/"),
    ),
]

# Pages that only read need no token against forgery; without this a POST is 403, not 405.
urlpatterns = [
    path("", csrf_exempt(landing.landing)),
    path("api/v1/", include("wallets.api.urls")),
    path("v1/wallet/", include(short.documented)),
    path("wallet/", include(short.undocumented)),
    *documentation,
    # Also with DEBUG, and also for POST: an unknown path of the API is a problem, never a page.
    re_path(r"^(?:api/|(?:v1/)?wallet(?:/|$))", csrf_exempt(exception_handler.not_found)),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("health", csrf_exempt(health.ready)),
    path("health/ready", csrf_exempt(health.ready)),
    path("health/live", csrf_exempt(health.live)),
    path("q/health", csrf_exempt(health.checks)),
    path("metrics", csrf_exempt(metrics_view.metrics)),
]

handler400 = "wallet_project.exception_handler.bad_request"
handler403 = "wallet_project.exception_handler.forbidden"
handler404 = "wallet_project.exception_handler.not_found"
handler500 = "wallet_project.exception_handler.server_error"
