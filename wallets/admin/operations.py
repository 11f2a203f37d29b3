"""What was accepted to be done afterwards, and what was refused for good."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from wallet_project.kit.admin import NOTHING, ReadOnlyAdmin, coloured, money, money_column
from wallet_project.kit.client_cells import NamesClients, client_cell
from wallet_project.kit.links import row_link
from wallets.chart import OPERATION_TYPES, Kind
from wallets.errors import STORED
from wallets.models import Operation, OperationStatus, Refusal

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@admin.register(Refusal)
class RefusalAdmin(NamesClients, ReadOnlyAdmin):
    """Refusals that are final for their keys, newest first; each row tells everything."""

    list_display = ("created_at", "client_link", "what", "numbers_in_words", "key")
    empty_text = "Nothing was refused in the last 72 hours."
    # The key is binary and fits no URL; a row has nothing more to tell.
    list_display_links = None
    ordering = ("-created_at",)
    search_fields = ("idempotency_key",)
    search_help_text = "Digest of the key in hex"

    class Media:
        css: ClassVar = {"all": ["kit/acts.css"]}

    @admin.display(description="Client")
    def client_link(self, refusal: Refusal) -> SafeString | str:
        return client_cell(refusal)

    @admin.display(description="Refused because")
    def what(self, refusal: Refusal) -> SafeString | str:
        known = STORED.get(refusal.code)
        title = refusal.code if known is None else known.title
        return format_html("{}<br><code>{}</code>", title, refusal.code)

    @admin.display(description="In words")
    def numbers_in_words(self, refusal: Refusal) -> SafeString | str:
        numbers = dict(refusal.numbers)
        detail = numbers.pop("detail", "")
        currency = numbers.pop("currency", None)
        words = [(_in_words(name, value, currency),) for name, value in sorted(numbers.items())]
        facts = format_html_join(", ", "{}", words)
        return format_html('<div class="sentence">{}</div><div>{}</div>', detail, facts)

    @admin.display(description="Idempotency key (SHA-256)")
    def key(self, refusal: Refusal) -> SafeString:
        digest = bytes(refusal.idempotency_key).hex()
        return format_html('<code class="verbatim">{}</code>', digest)


def _in_words(name: str, value: Any, currency: str | None) -> SafeString | str:
    label = _CAPITAL.sub(" ", name).lower()
    if name == "walletId":
        return format_html("wallet {}", row_link("wallets.wallet", value))
    if isinstance(value, int) and currency is not None and name != "index":
        return f"{label} {money(value, currency)}"
    return f"{label} {value}"


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    """Accepted operations, the last one first. The worker alone moves them on."""

    list_display = (
        "operation_id",
        "id",
        "wallet_link",
        "type_label",
        "amount_money",
        "status_label",
        "why",
        "created_at",
        "processed_at",
    )
    list_filter = ("status",)
    search_fields = ("operation_id", "wallet")
    search_help_text = "Exact operation id or wallet id"
    empty_text = "Nothing was accepted to be done later. Clients ask for it by their calls."
    fields = (
        ("operation_id", "id"),
        ("type_label", "status_label"),
        "why",
        ("wallet_link", "counterparty_link"),
        ("amount_money", "channel"),
        ("client_link", "actor"),
        ("reference", "description"),
        "metadata",
        ("created_at", "processed_at"),
    )
    readonly_fields = (
        *("type_label", "status_label", "why", "wallet_link", "counterparty_link"),
        *("amount_money", "client_link"),
    )

    def exact_matches(self, term: str) -> Q:
        """Find an operation, or a wallet's: each by its own index, not by both at once."""
        try:
            found = Operation._meta.get_field("operation_id").to_python(term)
        except ValidationError:
            return Q(pk__in=[])
        one = Operation.objects.filter(operation_id=found).exists()
        return Q(operation_id=found) if one else Q(wallet=found)

    @admin.display(description="Type")
    def type_label(self, operation: Operation) -> str:
        return OPERATION_TYPES[Kind(operation.kind)]

    @coloured({"Pending": "warning", "Completed": "success", "Failed": "danger"})
    @admin.display(description="Status")
    def status_label(self, operation: Operation) -> str:
        return OperationStatus(operation.status).label

    @money_column("Amount")
    def amount_money(self, operation: Operation) -> str:
        return money(operation.amount, operation.currency)

    @admin.display(description="Why it failed")
    def why(self, operation: Operation) -> str:
        known = STORED.get(operation.reason)
        return (operation.reason if known is None else known.title) or NOTHING

    @admin.display(description="Wallet")
    def wallet_link(self, operation: Operation) -> SafeString | str:
        return row_link("wallets.wallet", operation.wallet)

    @admin.display(description="Other side")
    def counterparty_link(self, operation: Operation) -> SafeString | str:
        """Link to the account: a wallet's has the wallet's id."""
        return row_link("ledger.account", operation.counterparty)

    @admin.display(description="Client")
    def client_link(self, operation: Operation) -> SafeString | str:
        return client_cell(operation)
