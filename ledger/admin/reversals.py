"""What was taken back."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from ledger.admin import links
from ledger.admin.columns import BooksAdmin
from ledger.models import Reversal


@admin.register(Reversal)
class ReversalAdmin(BooksAdmin):
    """Which entry took back which, newest first."""

    list_display = ("taking", "taken", "amount")
    search_fields = ("entry_id", "reverses")
    search_help_text = "Exact id of either entry"
    empty_text = "Nothing was taken back yet."

    @admin.display(description="Entry")
    def taking(self, reversal: Reversal) -> SafeString:
        return links.link(links.entry_url(reversal.entry_id), reversal.entry_id)

    @admin.display(description="Takes back")
    def taken(self, reversal: Reversal) -> SafeString:
        return links.link(links.entry_url(reversal.reverses), reversal.reverses)
