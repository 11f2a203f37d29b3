"""The books, to be read. A correction is a new entry, never an edit."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ledger.models import Account, JournalEntry, Posting
from wallet_project.kit.admin import NOTHING, ReadOnlyAdmin, ReadOnlyInline, money


def _link(view: str, key: Any) -> SafeString:
    return format_html(
        '<a href="{}">{}</a>', reverse(f"admin:ledger_{view}_change", args=[key]), key
    )


class _Amounts:
    """Columns of a posting."""

    @admin.display(description="Amount")
    def signed_amount(self, posting: Posting) -> str:
        sign = "+" if posting.amount > 0 else ""
        return f"{sign}{money(posting.amount, posting.account.currency)}"

    @admin.display(description="Balance after")
    def balance_then(self, posting: Posting) -> str:
        return money(posting.balance_after, posting.account.currency)

    @admin.display(description="Account")
    def account_link(self, posting: Posting) -> SafeString:
        url = reverse("admin:ledger_account_change", args=[posting.account_id])
        return format_html('<a href="{}">{}</a>', url, posting.account.code)


class PostingInline(_Amounts, ReadOnlyInline):
    """The lines of one entry."""

    model = Posting
    fields = ("id", "account_link", "signed_amount", "balance_then", "sequence", "version")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Posting]:
        found: QuerySet[Posting] = super().get_queryset(request)
        return found.select_related("account").order_by("pk")


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """The chart of accounts."""

    list_display = ("code", "client", "currency", "normal_side", "created_at")
    search_fields = ("id", "code")
    search_help_text = "Exact id or code"


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """Entries, each with its lines."""

    list_display = ("id", "kind", "client", "reference", "channel", "actor", "posted_at")
    search_fields = ("id", "idempotency_key")
    search_help_text = "Exact id, or digest of the key in hex"
    inlines: ClassVar = [PostingInline]
    fieldsets = (
        (None, {"fields": ("id", "kind", "posted_at", "value_date", "reversed_entry")}),
        ("Who asked", {"fields": ("client", "actor", "channel", "reference", "key")}),
        ("Note", {"fields": ("description", "metadata", "note")}),
    )

    @admin.display(description="Takes back")
    def reversed_entry(self, entry: JournalEntry) -> SafeString | str:
        return _link("journalentry", entry.reverses) if entry.reverses else NOTHING

    @admin.display(description="Idempotency key (SHA-256)")
    def key(self, entry: JournalEntry) -> str:
        return bytes(entry.idempotency_key).hex()

    @admin.display(description="Digest of the note (SHA-256)")
    def note(self, entry: JournalEntry) -> str:
        return bytes(entry.note_hash).hex() if entry.note_hash else NOTHING

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Name the fields that are computed; all others are read-only by permission."""
        return ("reversed_entry", "key", "note")


@admin.register(Posting)
class PostingAdmin(_Amounts, ReadOnlyAdmin):
    """Lines of all entries, newest first."""

    list_display = (
        "id",
        "posted_at",
        "account_link",
        "signed_amount",
        "balance_then",
        "sequence",
        "entry_link",
    )
    list_select_related = ("account",)
    search_fields = ("id", "entry", "account")
    search_help_text = "Exact id of posting, entry or account"
    fields = (
        "id",
        "entry_link",
        "account_link",
        "signed_amount",
        "balance_then",
        "sequence",
        "version",
        "posted_at",
    )
    readonly_fields = ("account_link", "signed_amount", "balance_then", "entry_link")

    @admin.display(description="Entry")
    def entry_link(self, posting: Posting) -> SafeString:
        return _link("journalentry", posting.entry_id)
