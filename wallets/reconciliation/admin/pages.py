"""What the desk's own pages have in common."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from wallet_project.kit.database import PRIMARY
from wallets import client_names
from wallets.reconciliation.models import ChannelSetup
from wallets.reconciliation.operations.reconcile import Channel


def show(
    site: AdminSite,
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """Answer with a page that no cache keeps."""
    answer = TemplateResponse(
        request,
        f"admin/reconciliation/{template}.html",
        {**site.each_context(request), **context},
        status=status,
    )
    add_never_cache_headers(answer)
    return answer


def need(request: HttpRequest, *permissions: str) -> None:
    """Let only those go on who have every one of these rights.

    :raises PermissionDenied: to everybody else.
    """
    if not request.user.has_perms(permissions):
        raise PermissionDenied


def channel_of(setup: int) -> Channel:
    """Name a channel by its setup's number."""
    row = ChannelSetup.objects.using(PRIMARY).get(pk=setup)
    names = client_names.by_number([row.client])
    return Channel(row.client, names[row.client], row.channel)
