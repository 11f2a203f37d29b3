"""Admin: what was erased and what was handed out, read-only."""

from __future__ import annotations

import json
from typing import ClassVar

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from wallet_project.kit.admin import ReadOnlyAdmin
from wallet_project.kit.client_cells import NamesClients, client_cell
from wallets.privacy.models import PrivacyRecord


@admin.register(PrivacyRecord)
class PrivacyRecordAdmin(NamesClients, ReadOnlyAdmin):
    """Each step of an erasure and each export, newest first; without what was in them."""

    empty_text = (
        "Nothing was erased or handed out yet. manage.py erase_user and export_user do it, and"
        " leave a line here."
    )
    list_display = ("at", "kind", "client_link", "wallet", "actor", "reason", "is_complete")
    search_fields = ("wallet",)
    search_help_text = "The exact id of a wallet"
    fieldsets: ClassVar = (
        (None, {"fields": ("at", "kind", "reason", "is_complete", "numbers")}),
        ("About", {"fields": ("client_link", "wallet", "run")}),
        ("Who", {"fields": ("actor",)}),
    )
    readonly_fields = ("client_link", "numbers")

    @admin.display(description="Client")
    def client_link(self, record: PrivacyRecord) -> SafeString | str:
        return client_cell(record)

    @admin.display(description="Rows")
    def numbers(self, record: PrivacyRecord) -> SafeString:
        """Show how many rows of which kind."""
        return format_html("<pre>{}</pre>", json.dumps(record.counts, indent=1, sort_keys=True))
