"""What was taken back, and what was put right."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from ledger.admin import links
from ledger.admin.columns import BooksAdmin
from ledger.models import Correction, Reversal


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


@admin.register(Correction)
class CorrectionAdmin(BooksAdmin):
    """Which adjustment put right which entry, newest first."""

    list_display = ("correcting", "corrected")
    search_fields = ("entry_id", "corrects")
    search_help_text = "Exact id of either entry"
    empty_text = "No adjustment has named an entry that it corrects yet."

    @admin.display(description="Entry")
    def correcting(self, correction: Correction) -> SafeString:
        return links.link(links.entry_url(correction.entry_id), correction.entry_id)

    @admin.display(description="Corrects")
    def corrected(self, correction: Correction) -> SafeString:
        return links.link(links.entry_url(correction.corrects), correction.corrects)
