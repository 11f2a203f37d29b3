"""Lines of all entries."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from ledger.admin import links
from ledger.admin.columns import BooksAdmin, PostingColumns
from ledger.models import Posting
from wallet_project.kit.admin import NOTHING


@admin.register(Posting)
class PostingAdmin(PostingColumns, BooksAdmin):
    """Lines of all entries, the last one written first."""

    list_display = (
        "id",
        "posted",
        "account_link",
        "signed_amount",
        "balance_then",
        "sequence",
        "entry_link",
    )
    list_select_related = ("account",)
    search_fields = ("id", "entry")
    search_help_text = "Exact id of posting or entry"
    empty_text = "Nothing was posted yet. Postings appear with the first deposit."
    fields = (
        "id",
        "posted",
        "entry_link",
        "account_link",
        "signed_amount",
        "balance_then",
        "sequence",
        "version",
        "event_link",
    )
    readonly_fields = (
        "posted",
        "entry_link",
        "account_link",
        "signed_amount",
        "balance_then",
        "event_link",
    )

    @admin.display(description="Event")
    def event_link(self, posting: Posting) -> SafeString | str:
        if posting.version is None:
            return NOTHING
        url = links.event_url(posting.account_id, posting.version)
        return links.link(url, f"Event {posting.version} of the wallet")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse to list by account in the order of ids, which no index has.

        The page of an account lists its postings in the order of its index.
        """
        name = lookup.partition("__")[0]
        return name != "account" and bool(super().lookup_allowed(lookup, value, request))
