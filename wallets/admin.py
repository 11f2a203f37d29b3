"""Wallets and the clients they belong to, to be read."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q

from wallet_project.kit.admin import ReadOnlyAdmin, coloured, money
from wallets.models import ApiKey, Client, Plan, Refusal, Wallet


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    """Customers' wallets. Money moves through the API only."""

    list_display = (
        "id",
        "client",
        "user_id",
        "reference",
        "status_label",
        "balance_money",
        "available_money",
        "version",
        "created_at",
    )
    list_select_related = ("client",)
    search_fields = ("id", "reference", "user_id")
    search_help_text = "Exact id, reference or user id"
    fieldsets = (
        (None, {"fields": ("id", "client", "user_id", "reference", "status", "metadata")}),
        (
            "Money",
            {"fields": ("balance_money", "held_money", "overdraft_money", "available_money")},
        ),
        (
            "History",
            {
                "fields": (
                    "version",
                    "posting_sequence",
                    "last_posted_at",
                    "created_at",
                    "updated_at",
                )
            },
        ),
    )
    readonly_fields = ("balance_money", "held_money", "overdraft_money", "available_money")

    def exact_matches(self, term: str) -> Q:
        """Name the clients too: the indexes of reference and user id begin with the client."""
        clients = list(Client.objects.values_list("pk", flat=True))
        by_name = Q(client__in=clients) & (Q(reference=term) | Q(user_id=term))
        try:
            found = Q(pk=Wallet._meta.pk.to_python(term))
        except ValidationError:
            return by_name
        return found | by_name

    @coloured({"ACTIVE": "success", "FROZEN": "warning", "CLOSED": "danger"})
    @admin.display(description="Status")
    def status_label(self, wallet: Wallet) -> str:
        return wallet.status

    @admin.display(description="Balance")
    def balance_money(self, wallet: Wallet) -> str:
        return money(wallet.balance, wallet.currency)

    @admin.display(description="Held")
    def held_money(self, wallet: Wallet) -> str:
        return money(wallet.held, wallet.currency)

    @admin.display(description="Overdraft limit")
    def overdraft_money(self, wallet: Wallet) -> str:
        return money(wallet.overdraft_limit, wallet.currency)

    @admin.display(description="Available")
    def available_money(self, wallet: Wallet) -> str:
        return money(wallet.available, wallet.currency)


@admin.register(Client)
class ClientAdmin(ReadOnlyAdmin):
    """Who may call. `manage.py create_client` makes one."""

    list_display = ("name", "id", "plan", "is_active", "created_at")
    list_select_related = ("plan",)
    search_fields = ("id", "name")
    search_help_text = "Exact number or name"


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys by their prefix. The secret is not stored, its digest is nobody's business."""

    list_display = ("prefix", "client", "created_at", "expires_at", "revoked_at")
    list_select_related = ("client",)
    search_fields = ("prefix",)
    search_help_text = "Exact prefix"
    exclude = ("secret_digest",)


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    """How much a client may ask for; no number means no limit."""

    list_display = ("name", "requests_per_minute", "withdrawals_per_minute")


@admin.register(Refusal)
class RefusalAdmin(ReadOnlyAdmin):
    """Refusals that are final for their keys, newest first; each row tells everything."""

    list_display = ("created_at", "client", "code", "numbers", "key")
    # The key is binary and fits no URL.
    list_display_links = None
    ordering = ("-created_at",)
    search_fields = ("idempotency_key",)
    search_help_text = "Digest of the key in hex"

    @admin.display(description="Idempotency key (SHA-256)")
    def key(self, refusal: Refusal) -> str:
        return bytes(refusal.idempotency_key).hex()
