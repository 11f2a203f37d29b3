"""What the pages of the books have in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.safestring import SafeString

from ledger.admin import links
from ledger.models import Posting
from wallet_project.kit.admin import ReadOnlyAdmin, money, money_column
from wallet_project.kit.database import PRIMARY


def utc(moment: datetime) -> str:
    """Write a moment for people, with its zone: `2026-11-21 13:57:01.123456 UTC`."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f} UTC"


def signed_money(minor: int, currency: str) -> str:
    """Write a change of a balance with its sign: `+12.34 USD`."""
    sign = "+" if minor > 0 else ""
    return f"{sign}{money(minor, currency)}"


class BooksAdmin(ReadOnlyAdmin):
    """Shows rows that never change, so a copy that has them is as good as the original."""

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Model | None:
        """Load a row; what the replica does not have yet is asked of the primary."""
        found: Model | None = super().get_object(request, object_id, from_field)
        if found is not None:
            return found
        try:
            key = self.opts.pk.to_python(object_id)
        except (ValidationError, ValueError):
            return None
        rows = self.get_queryset(request).using(PRIMARY)
        return rows.filter(pk=key).first()  # type: ignore[no-any-return]

    def get_urls(self) -> list[URLPattern]:
        """Turn away whatever is not a read, at every address, before anything looks at it."""
        return self.only_reads(super().get_urls())

    def only_reads(self, patterns: list[URLPattern]) -> list[URLPattern]:
        """Let addresses take GET and HEAD only."""
        for pattern in patterns:
            pattern.callback = _only_reads(pattern.callback)
        return patterns


def _only_reads(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied("The books are read here, and changed by nobody.")
        return view(request, *args, **kwargs)

    return checked


class PostingColumns:
    """Columns of a posting."""

    @money_column("Amount")
    def signed_amount(self, posting: Posting) -> str:
        """Show the amount with its sign."""
        return signed_money(posting.amount, posting.account.currency)

    @money_column("Balance after")
    def balance_then(self, posting: Posting) -> str:
        """Show the account's balance after the posting."""
        return money(posting.balance_after, posting.account.currency)

    @admin.display(description="Account")
    def account_link(self, posting: Posting) -> SafeString:
        """Lead to the account."""
        return links.link(links.account_url(posting.account_id), posting.account.code)

    @admin.display(description="Entry")
    def entry_link(self, posting: Posting) -> SafeString:
        """Lead to the entry."""
        return links.link(links.entry_url(posting.entry_id), posting.entry_id)

    @admin.display(description="Posted at")
    def posted(self, posting: Any) -> str:
        """Show the moment with its zone."""
        return utc(posting.posted_at)
