"""The admin site: nobody sees a page of it without the second factor."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from unfold.sites import UnfoldAdminSite

from wallet_project.back_office import degraded, pages, sessions
from wallet_project.kit import audit
from wallet_project.kit.audit import Act
from wallet_project.kit.database import PRIMARY


class BackOfficeSite(UnfoldAdminSite):  # type: ignore[misc]
    """The site on which every app registers its models."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether somebody is staff and has passed both steps of the login."""
        user: Any = request.user
        return self._is_staff(request) and bool(user.is_verified())

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add to what every page shows what does not work as usual."""
        context: dict[str, Any] = super().each_context(request)
        degraded.look()
        told = {"degraded": degraded.sentences(), "money_is_stopped": degraded.money_is_stopped()}
        return context | told

    @method_decorator(never_cache)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for name and password, then lead to the second step."""
        if request.method == "GET" and self._is_staff(request) and not self.has_permission(request):
            return pages.next_step(request)
        answer = super().login(request, extra_context)
        if request.method == "POST" and answer.status_code == 302:
            sessions.begin(request)
            return pages.next_step(request)
        return answer  # type: ignore[no-any-return]

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Change somebody's own password, and keep that it was changed, in one transaction."""
        with transaction.atomic(using=PRIMARY):
            answer = super().password_change(request, extra_context)
            if request.method == "POST" and answer.status_code == 302:
                act = Act("user.change_password", "auth.user", str(request.user.pk))
                audit.record(audit.actor_of(request), act)
        return answer  # type: ignore[no-any-return]

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Offer no rows: no form of ours asks for any, and what is found so would not be noted.

        :raises Http404: always.
        """
        raise Http404

    def view_on_site(self, request: HttpRequest, **_: Any) -> HttpResponse:
        """Lead nowhere: no row of ours has a page elsewhere, and Django's view fails on bad UUIDs.

        :raises Http404: always.
        """
        raise Http404

    def extra_urls(self) -> list[URLPattern]:
        """Add the pages of the second step; leaving must be possible in the middle of it, too."""
        hidden = sensitive_post_parameters("code")
        return [
            path("r/<path:object_id>", self.admin_view(self.view_on_site)),
            path("logout/", self.logout, name="logout"),
            path("code/", never_cache(hidden(pages.code)), name="code"),
            path("enrol/", never_cache(hidden(pages.enrol)), name="enrol"),
            path("security/", self.admin_view(hidden(pages.security)), name="security"),
        ]

    def _is_staff(self, request: HttpRequest) -> bool:
        return bool(super().has_permission(request))
